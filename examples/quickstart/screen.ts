import { styleText } from "node:util";
import {
  type DeliveryRow,
  formatDuration,
  type Health,
  messageOf,
  type PipehooksEvent,
  toDeliveryId,
} from "@pipehooks/core";
import type { ReceivedRequest } from "./receiver.ts";

type Style = Parameters<typeof styleText>[0];

const styles: Readonly<Record<string, Style>> = {
  event: "cyan",
  pipeline: "bold",
  received: "gray",
  delivered: "green",
  retry: "yellow",
  paused: "yellow",
  dead: "red",
};

/** What the tour shows: a line for each thing as it happens. */
export interface Screen {
  section(title: string): void;
  event(event: PipehooksEvent): void;
  /** What Pipehooks says of its deliveries. */
  notice(event: PipehooksEvent): void;
  received(request: ReceivedRequest): void;
  pipelineFailed(error: unknown): void;
  deadLetters(rows: readonly DeliveryRow[]): void;
  health(health: Health): void;
  next(): void;
}

export function createScreen(write: (line: string) => void = console.log): Screen {
  const startedAt = Date.now();
  // A line of a terminal is not broken; elsewhere nothing is cut.
  const room = Math.max(20, (process.stdout.columns ?? Number.POSITIVE_INFINITY) - 39);

  const line = (what: string, name: string, detail: string, at = Date.now()): void => {
    const seconds = ((at - startedAt) / 1000).toFixed(2).padStart(6);
    const kind = styleText(styles[what] ?? "reset", what.padEnd(10));
    const text = `${kind} ${name.padEnd(16)} ${detail.slice(0, room)}`;
    write(`${styleText("dim", `${seconds} s`)}  ${text.trimEnd()}`);
  };

  return {
    section: (title) => write(`\n${styleText("bold", title)}`),
    event(event) {
      const detail = [placeOf(event).padEnd(28), ...factsOf(event)].join("  ");
      line("event", event.type, detail, Date.parse(event.time));
    },
    notice({ type, time, metadata }) {
      const { attempt, event_type, status, reason, destination } = metadata;
      const hook = String(metadata.hook);
      const waits = (until: unknown) =>
        formatDuration(Math.round((Date.parse(`${until}`) - Date.parse(time)) / 100) * 100);
      const said = `${event_type}, attempt ${attempt}: ${status ?? reason}`;
      switch (type) {
        case "pipehooks.delivery.delivered":
          return line("delivered", hook, said);
        case "pipehooks.delivery.retrying":
          return line("retry", hook, `${said}, again in ${waits(metadata.next_at)}`);
        case "pipehooks.delivery.dead":
          return line("dead", hook, `${said}, not tried again`);
        case "pipehooks.destination.paused":
          return line(
            "paused",
            hook,
            `nothing goes to ${destination} for ${waits(metadata.until)}`,
          );
      }
    },
    received({ path, signature, body, answer }) {
      const kept = answer === "200" ? `  ${body}` : "";
      line("received", `POST ${path}`, `signature ${signature}, answers ${answer}${kept}`);
    },
    pipelineFailed: (error) =>
      line("pipeline", "failed", `${messageOf(error)}; it waited for no hook`),
    deadLetters(rows) {
      for (const { id, hook, eventType, reason } of rows) {
        line("dead", hook, `${toDeliveryId(id)}, ${eventType}`);
        write(`            ${reason}`);
      }
    },
    health({ hooks }) {
      for (const { name, counts } of hooks) {
        const states = Object.entries(counts).filter(([, count]) => count > 0);
        line("", name, states.map(([state, count]) => `${count} ${state}`).join(", "));
      }
    },
    next() {
      write(`
Next:
  npm --prefix examples/import-in-code start   the same in code: typed events of your own, no YAML
  npm --prefix examples/custom-hook start      a kind of hook of your own, in one file
  npx pipehooks --help                         the command line: emit, deliver, replay and more`);
    },
  };
}

function placeOf({ pipeline, flowgroup, action }: PipehooksEvent): string {
  return [pipeline, flowgroup, action].filter((name) => name !== undefined).join(" / ");
}

function factsOf({ table, metadata, error }: PipehooksEvent): string[] {
  const { rows, duration } = metadata;
  return [
    ...(table === undefined ? [] : [`table ${table}`]),
    ...(typeof rows === "number" ? [`${rows.toLocaleString("en")} rows`] : []),
    ...(typeof duration === "number" ? [formatDuration(duration * 1000)] : []),
    ...(error === undefined ? [] : [`${error.class}: ${error.message}`]),
  ];
}
