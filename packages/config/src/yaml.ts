import { dirname } from "node:path";
import { createRedactor, type HookKind, parseSize } from "@pipehooks/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toSnake } from "./casing.ts";
import { type Conversion, convert } from "./convert.ts";
import { parseYaml } from "./document.ts";
import { compileEventTypes } from "./event-types.ts";
import { gateHint } from "./gate-parts.ts";
import { checkGates } from "./gates.ts";
import { reportIssues } from "./issues.ts";
import { type Kinds, loadKinds } from "./kinds.ts";
import { createKnowledge } from "./knowledge.ts";
import { kindsOf, type LoadContext, type LoadedConfig } from "./loaded.ts";
import type { PluginSearch } from "./plugins.ts";
import { fromPlumber, isPlumber } from "./plumber.ts";
import { ConfigError, Problems } from "./problem.ts";
import { createReferences } from "./references.ts";
import { createTreeReport } from "./report.ts";
import { deliveredTo } from "./routed.ts";
import { checkNames, checkRoute } from "./routes.ts";
import { type FileInput, fileSchema, fileShape } from "./schema.ts";
import { anyShape } from "./shape.ts";
import { defaultStoreUrl, toStoreUrl } from "./store-url.ts";
import { checkTemplate } from "./templates.ts";
import { type MapTree, type Tree, valueAt, withoutKeys } from "./tree.ts";
import { readHook } from "./yaml-hook.ts";

/** What reading a YAML file needs from outside. */
export interface YamlContext extends LoadContext {
  readonly text: string;
}

/**
 * Reads `pipehooks.yaml`, everything in it.
 * @throws ConfigError with every problem of the file
 */
export async function readYaml(context: YamlContext): Promise<LoadedConfig> {
  const problems = new Problems(context.file, context.text);
  const { root, brokenAt, broken } = parseYaml(context.text, problems);
  const reader = root && createReader({ root, broken, problems }, context);
  const loaded = await reader?.read();
  const redact = createRedactor(reader?.secrets ?? []);
  const errors = problems.errors(redact, brokenAt);
  if (errors.length > 0 || loaded === undefined) throw new ConfigError(errors);
  return { ...loaded, warnings: problems.warnings(redact) };
}

/** The kinds that a file can use, whatever else is wrong with it. */
export async function readYamlKinds(context: YamlContext): Promise<ReadonlyMap<string, HookKind>> {
  const problems = new Problems(context.file, context.text);
  const { root, broken } = parseYaml(context.text, problems);
  if (root === undefined) return new Map();
  const { plugins } = await createReader({ root, broken, problems }, context).readKinds();
  return kindsOf(plugins);
}

interface Reader {
  readonly secrets: ReadonlySet<string>;
  read(): Promise<Omit<LoadedConfig, "warnings">>;
  readKinds(): Promise<Kinds>;
}

interface WrittenFile {
  readonly root: MapTree;
  readonly broken: Set<Tree>;
  readonly problems: Problems;
}

function createReader(written: WrittenFile, context: YamlContext): Reader {
  const { file, env, resolveFrom, builtIn, emitOnly, standIn } = context;
  const { broken, problems } = written;
  const root = isPlumber(written.root) ? fromPlumber(written.root, written) : written.root;
  const search: PluginSearch = { folder: dirname(file), resolveFrom, builtIn };
  const secrets = new Set<string>();
  const references = createReferences({ env, folder: search.folder, problems, standIn });
  const conversion: Conversion = { references, problems, broken };
  const report = createTreeReport(root, problems, broken);

  function readFile(): FileInput {
    // What begins with `x-` holds anchors and the like.
    const own = withoutKeys(root, (key) => key === "hooks" || key.startsWith("x-"));
    const shape = fileShape();
    const data = convert(own, shape, { ...conversion, hint: gateHint }, { path: "", steps: [] });
    const checked = fileSchema.safeParse(data);
    if (checked.success) return checked.data;
    const { issues } = checked.error;
    reportIssues(issues, { tree: root, path: "", problems, broken, showValues: true, shape });
    return data as FileInput;
  }

  function hookTrees(): readonly Tree[] {
    const tree = valueAt(root, "hooks");
    if (tree === undefined || (tree.type === "scalar" && tree.value === null)) return [];
    if (tree.type === "list") return tree.items;
    report({
      steps: ["hooks"],
      message: '"hooks" must be a list: each hook begins with "- name: …".',
    });
    return [];
  }

  async function readKinds(): Promise<Kinds> {
    const tree = valueAt(root, "plugins");
    const named =
      tree === undefined ? [] : convert(tree, anyShape, conversion, { path: "plugins", steps: [] });
    const kinds = hookTrees().map((hook) => valueAt(hook, "kind"));
    return loadKinds(
      {
        plugins: Array.isArray(named) ? named.filter((name) => typeof name === "string") : [],
        kinds: new Set(
          kinds.flatMap((kind) => (kind?.type === "scalar" ? String(kind.value) : [])),
        ),
      },
      search,
      report,
    );
  }

  return {
    secrets,
    readKinds,
    async read() {
      const input = readFile();
      const [kinds, ownTypes] = await Promise.all([
        readKinds(),
        compileEventTypes(keysOf(input.eventTypes), { report, only: emitOnly }),
      ]);
      const events = { ...pluginEvents(kinds), ...ownTypes };
      const knowledge = createKnowledge(events, {
        allowUnknownTypes: input.allowUnknownTypes === true,
        spell: toSnake,
      });
      const destinations = Object.keys(keysOf(input.destinations));

      const reading = { kinds, conversion, secrets, search, report };
      const hooks = await Promise.all(hookTrees().map((tree, i) => readHook(tree, i, reading)));
      checkNames(
        hooks.map(({ data }) => data),
        report,
      );
      for (const [index, { data, templates }] of hooks.entries()) {
        checkRoute(data, { steps: ["hooks", index], knowledge, destinations, report });
        checkGates(data, { steps: ["hooks", index], knowledge, report });
        const delivered = deliveredTo(data, knowledge);
        for (const template of templates) checkTemplate(template, { delivered, report });
      }

      const store = typeof input.store === "string" ? input.store : defaultStoreUrl;
      return {
        file,
        storeUrl: toStoreUrl(store, search.folder, report) ?? defaultStoreUrl,
        durability: input.durability ?? "full",
        plugins: kinds.plugins,
        kinds: kindsOf(kinds.plugins),
        options: withoutUndefined({
          hooks: hooks.flatMap(({ config }) => config ?? []),
          events,
          allowUnknownTypes: input.allowUnknownTypes,
          maxEventBytes: bytesOf(input.maxEventSize),
          source: input.source,
          destinations: input.destinations,
          defaults: input.defaults,
          retention: input.retention,
          secrets: [...secrets],
        }),
      };
    },
  };
}

function pluginEvents({ plugins }: Kinds): Record<string, StandardSchemaV1> {
  return Object.assign({}, ...plugins.map(({ events }) => events));
}

function bytesOf(size: string | undefined): number | undefined {
  try {
    return size === undefined ? undefined : parseSize(size);
  } catch {
    // Reported by the schema.
    return undefined;
  }
}

// Where the schema refused it, a part of the file may be anything.
function keysOf<T extends object>(value: T | undefined): T {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  return (isMap ? value : {}) as T;
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
