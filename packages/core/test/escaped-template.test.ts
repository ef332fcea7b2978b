import { compileEscaped, compileText } from "@pipehooks/core";
import { expect, test } from "vitest";

const scope = {
  pipeline: "<a>",
  metadata: { rows: 3, none: null, "<k>": "<v>", list: ["<x>"], html: "<b>1</b>" },
};
const toForm = (text: string) => text.replaceAll("<", "&lt;");

test.for([
  ["${pipeline}", "&lt;a>"],
  ["<i>${pipeline}</i> $${x}", "<i>&lt;a></i> ${x}"],
  ["${metadata.rows}/${metadata.none}", "3/"],
  ["${metadata.list}", '["&lt;x>"]'],
  ["${metadata.nothing:-<i>none</i>}", "<i>none</i>"],
  ["", ""],
])(
  "the text %j becomes %j: values are escaped, what its author wrote is not",
  ([text = "", form]) => {
    expect(compileText(text, { toForm }).render(scope)).toBe(form);
  },
);

test("of an object its keys are escaped, too, where it stands in a text", () => {
  const whole = JSON.stringify(scope.metadata).replaceAll("<", "&lt;");

  expect(compileText("${metadata}", { toForm }).render(scope)).toBe(whole);
  expect(compileEscaped("all: ${metadata}", toForm).render(scope)).toBe(`all: ${whole}`);
});

test("values at the paths in `raw` go in as they are, and no others", () => {
  const template = compileText("${metadata.html} ${pipeline}", { toForm, raw: ["metadata.html"] });

  expect(template.render(scope)).toBe("<b>1</b> &lt;a>");
  expect(template.references.map(({ path }) => path)).toEqual(["metadata.html", "pipeline"]);
});

test("without a form a text is only filled in", () => {
  expect(compileText("${pipeline}: ${metadata.list}").render(scope)).toBe('<a>: ["<x>"]');
});

test("JSON keeps its shape and the types of values; texts in them are escaped", () => {
  const template = compileEscaped(
    {
      title: "<i> ${pipeline}",
      rows: "${metadata.rows}",
      list: ["${metadata.list}", "${metadata.nothing:-<none>}"],
      deep: "${metadata}",
      count: 1,
    },
    toForm,
  );

  expect(template.render(scope)).toEqual({
    title: "<i> &lt;a>",
    rows: 3,
    list: [["&lt;x>"], "<none>"],
    deep: {
      ...{ rows: 3, none: null, "<k>": "&lt;v>", list: ["&lt;x>"], html: "&lt;b>1&lt;/b>" },
    },
    count: 1,
  });
});

test("a field that the event lacks is named, and a wrong template refused", () => {
  const missing = expect.objectContaining({ code: "TEMPLATE_FIELD_MISSING" });
  const invalid = expect.objectContaining({ code: "TEMPLATE_INVALID" });

  expect(() => compileText("a ${metadata.x}").render(scope)).toThrow(missing);
  expect(() => compileEscaped(["${metadata.x}"], toForm).render(scope)).toThrow(missing);
  expect(() => compileText("${")).toThrow(invalid);
  expect(() => compileEscaped({ a: "${" }, toForm)).toThrow(invalid);
});
