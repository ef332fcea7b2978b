import { migrate } from "@pipehooks/config";
import { expect, test } from "vitest";
import { parse } from "yaml";

const commented = `# top
plugins: # beside plugins
  # above enabled
  enabled: true # beside enabled
  # above config
  config: # beside config
    event_hooks: # beside event_hooks
      # above webhook
      webhook: # beside webhook
        webhook_url: https://a.example # beside url
        async_execution: true # beside async
        retry_delay: 5 # beside delay
        events: # beside events
          # above first
          - pipeline.end # beside first
          # below first
        headers: # beside headers
          A: b # beside A
        payload_template:
          text: | # beside text
            # no comment
            x
          a: "# none" # beside a
      # above email
      email:
        # above host
        smtp_host: mail # beside host
        retry_attempts: 3
        # below email
# below plugins
store: memory # beside store
# end
`;

test("migrate keeps every comment, each once", () => {
  const comments = commented.match(/# (?:top|above|beside|below|end).*$/gm) ?? [];

  const lines = migrate(commented).split("\n");

  expect(comments).toHaveLength(27);
  for (const comment of comments) {
    expect(lines.filter((line) => line.endsWith(comment))).toHaveLength(1);
  }
});

test("comments stand at what they stood at, or above its hook where that is gone", () => {
  expect(migrate(commented)).toMatchInlineSnapshot(`
    "version: 1
    store: memory # beside store
    # top
    # beside plugins
    # above enabled
    # beside enabled
    # above config
    # beside config
    hooks:
      # beside event_hooks
      # above webhook
      # beside async
      - name: webhook
        kind: webhook
        events:
          # beside events
          # above first
          - pipeline.end # beside first
          # below first
        retry:
          base: 5s # beside delay
          factor: 1
          cap: 5s
          jitter: none
        options:
          # beside webhook
          url: https://a.example # beside url
          headers:
            # beside headers
            A: b # beside A
          payload:
            text: | # beside text
              # no comment
              x
            a: "# none" # beside a
      # above email
      # below email
      # below plugins
      # end
      - name: email
        kind: email
        events: ["*"]
        retry:
          attempts: 3
        options:
          smtp:
            # above host
            host: mail # beside host
    "
  `);
});

test("what is no comment is kept as it is", () => {
  expect(parse(migrate(commented)).hooks[0].options.payload).toEqual({
    text: "# no comment\nx\n",
    a: "# none",
  });
});
