const port = 8787;

/** A receiver in one line, to see what arrives. */
export const receiver = `node -e 'require("http").createServer((q, s) => q.on("end", () => s.end()).pipe(process.stdout)).listen(${port})'`;

/** What `init` writes: it loads, delivers to a receiver on this machine, and says where to go on. */
export function firstConfiguration(schema: string): string {
  return `# yaml-language-server: $schema=${schema}
version: 1

# Events and deliveries are kept here until they are settled. This is the default.
store: sqlite:.pipehooks/pipehooks.db

# Who emits: the CloudEvents "source" of every event.
source: /pipelines/dev

# Types of your own beside pipeline.*, flowgroup.*, action.* and table.created; metadata is JSON Schema.
# event_types:
#   data.quality_check:
#     metadata:
#       type: object
#       required: [table, failed_rows]
#       properties: { table: { type: string }, failed_rows: { type: integer, minimum: 0 } }

hooks:
  # The name is part of each delivery's idempotency key: a renamed hook is a new one.
  - name: ops-webhook
    kind: webhook
    events: ["pipeline.{end,error}"]
    # filter: { pipelines: ["prod_*", "!prod_scratch"] }
    # when: 'event.type != "pipeline.error" || event.error.severity == "CRITICAL"'
    # timeout: 30s
    # retry: { attempts: 8, base: 1s, factor: 2, cap: 10m, max_age: 24h }
    options:
      url: http://127.0.0.1:${port}/pipeline-events
      # Only for a receiver on this machine or in a private network.
      allow_private: true
      # Secrets come from outside and are never shown:
      # headers: { Authorization: "Bearer \${env:WEBHOOK_TOKEN}" }
      # signing: { secret: "\${env:WEBHOOK_SECRET}" }
      # The body is the whole event unless a payload is given:
      # payload: { status: "\${type}", pipeline_name: "\${pipeline:-}", rows: "\${metadata.rows:-0}" }
`;
}
