import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Pipehooks } from "@pipehooks/core";

/** Rows break a rule. */
export class DataQualityError extends Error {
  override readonly name = "DataQualityError";
}

/**
 * Loads orders from a CSV file into a table, sums them up by day, and fails at the refunds.
 * @throws DataQualityError
 */
export async function runOrders(hooks: Pipehooks, folder: string): Promise<void> {
  const orders = join(folder, "orders.csv");
  const refunds = join(folder, "refunds.csv");
  const db = new DatabaseSync(join(folder, "warehouse.db"));
  try {
    await hooks.pipeline("shop", async (pipeline) => {
      await pipeline.flowgroup("ingest", async (flowgroup) => {
        await flowgroup.action("export_orders", () => writeOrders(orders));
        await flowgroup.action("check_orders", () => checkOrders(orders));
        await flowgroup.action("load_orders", async (action) => {
          db.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, day TEXT, amount REAL) STRICT");
          const rows = insert(db, "INSERT INTO orders VALUES (?, ?, ?)", await readRows(orders));
          action.rows(rows);
          action.table("orders", { rows });
        });
      });

      await pipeline.flowgroup("report", async (flowgroup) => {
        await flowgroup.action("sum_up_days", (action) => {
          action.table("daily_sales", { rows: sumUpDays(db) });
        });
        await flowgroup.action("load_refunds", async () => {
          await writeRefunds(refunds);
          db.exec("CREATE TABLE refunds (order_id INTEGER, amount REAL) STRICT");
          insert(db, "INSERT INTO refunds VALUES (?, ?)", await readRows(refunds));
          checkRefunds(db);
        });
      });
    });
  } finally {
    db.close();
  }
}

const orderCount = 50_000;

async function writeOrders(file: string): Promise<void> {
  const rows = Array.from({ length: orderCount }, (_, index) => {
    const day = `2026-03-${String(1 + (index % 28)).padStart(2, "0")}`;
    return `${index + 1},${day},${((index * 37) % 9000) / 100 + 5}`;
  });
  await writeFile(file, `${["id,day,amount", ...rows].join("\n")}\n`);
}

/** Every eighth refund is for an order that does not exist. */
async function writeRefunds(file: string): Promise<void> {
  const rows = Array.from({ length: 40 }, (_, index) => {
    const order = index % 8 === 7 ? orderCount + index : index + 1;
    return `${order},5`;
  });
  await writeFile(file, `${["order_id,amount", ...rows].join("\n")}\n`);
}

async function readRows(file: string): Promise<string[][]> {
  const [, ...lines] = (await readFile(file, "utf8")).trimEnd().split("\n");
  return lines.map((line) => line.split(","));
}

async function checkOrders(file: string): Promise<void> {
  const rows = await readRows(file);
  const wrong = rows.filter(([, , amount]) => !(Number(amount) > 0)).length;
  if (wrong > 0) throw new DataQualityError(`${wrong} of ${rows.length} orders have no amount`);
}

function sumUpDays(db: DatabaseSync): number {
  db.exec(`CREATE TABLE daily_sales AS
           SELECT day, count(*) AS orders, sum(amount) AS amount FROM orders GROUP BY day`);
  return Number(db.prepare("SELECT count(*) AS days FROM daily_sales").get()?.days);
}

function checkRefunds(db: DatabaseSync): void {
  const { wrong, total } = db
    .prepare(
      `SELECT count(*) AS total, count(*) FILTER (WHERE orders.id IS NULL) AS wrong
       FROM refunds LEFT JOIN orders ON orders.id = order_id`,
    )
    .get() as { wrong: number; total: number };
  if (wrong > 0) throw new DataQualityError(`${wrong} of ${total} refunds have no order`);
}

/** All rows in one transaction; answers how many. */
function insert(db: DatabaseSync, sql: string, rows: readonly string[][]): number {
  const statement = db.prepare(sql);
  db.exec("BEGIN");
  for (const row of rows) statement.run(...row);
  db.exec("COMMIT");
  return rows.length;
}
