import { padEnd, printable, truncate, widthOf } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly paint?: ((text: string, row: Row) => string) | undefined;
  /** Gives way when the terminal is narrow, down to this many columns. @default it does not */
  readonly shrinksTo?: number;
}

const gap = "  ";

/** Rows as aligned lines under titles; columns that are empty in every row are left out. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  style: { readonly width?: number | undefined; readonly title: (text: string) => string },
): readonly string[] {
  const filled = columns
    .map((column) => ({ column, cells: rows.map((row) => printable(column.value(row))) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
  const widths = fit(
    filled.map(({ column, cells }) => ({
      wanted: Math.max(widthOf(column.title), ...cells.map(widthOf)),
      least: Math.max(widthOf(column.title), column.shrinksTo ?? Number.POSITIVE_INFINITY),
    })),
    style.width,
  );
  const line = (cells: readonly string[], paint: (text: string, index: number) => string) =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        const shown = truncate(cell, width);
        const last = index === cells.length - 1;
        return paint(shown, index) + (last ? "" : padEnd("", width - widthOf(shown)));
      })
      .join(gap)
      .trimEnd();
  return [
    line(
      filled.map(({ column }) => column.title),
      (text) => style.title(text),
    ),
    ...rows.map((row, at) =>
      line(
        filled.map(({ cells }) => cells[at] ?? ""),
        (text, index) => filled[index]?.column.paint?.(text, row) ?? text,
      ),
    ),
  ];
}

/** Takes from the widest column that gives way until the line fits; what cannot shrink runs over. */
function fit(
  columns: readonly { readonly wanted: number; readonly least: number }[],
  width: number | undefined,
): readonly number[] {
  const widths = columns.map(({ wanted }) => wanted);
  if (width === undefined) return widths;
  const total = () =>
    widths.reduce((sum, each) => sum + each, 0) + gap.length * (widths.length - 1);
  while (total() > width) {
    let widest = -1;
    for (const [index, { least }] of columns.entries()) {
      const now = widths[index] ?? 0;
      if (now > least && now > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
