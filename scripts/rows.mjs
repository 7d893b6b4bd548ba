/**
 * Measured figures, as a table for people or, with --json, as one object for machines: {"rows": [Row]}.
 */
import { say, wantsJson } from "./process.mjs";

/**
 * @typedef {object} Row
 * @property {string} id stable name of the figure
 * @property {number} value
 * @property {string} unit
 * @property {string | null} [peer] what it is compared with
 * @property {number | null} [peer_value] the peer's figure in the same unit
 * @property {string} [command] what made the figure
 * @property {string} [about] what exactly it measures, for people
 * @property {"faster"} [better] the ratio says how many times faster than the peer: the peer's figure over ours; else it is
 *   ours over the peer's
 */

/** @param {Row[]} rows */
export function printJson(rows) {
  const complete = rows.map((row) => ({
    id: row.id,
    value: row.value,
    unit: row.unit,
    peer: row.peer ?? null,
    peer_value: row.peer_value ?? null,
    ratio: ratio(row),
    ...(row.command === undefined ? {} : { command: row.command }),
  }));
  process.stdout.write(`${JSON.stringify({ rows: complete })}\n`);
}

/** @param {Row[]} rows */
export function printRows(rows) {
  if (wantsJson) return printJson(rows);
  const lines = rows.map((row) => [
    row.id,
    `${round(row.value)} ${row.unit}`,
    row.peer ?? "",
    typeof row.peer_value === "number" ? `${round(row.peer_value)} ${row.unit}` : "",
    String(ratio(row) ?? ""),
  ]);
  printTable(["figure", "value", "against", "its value", "ratio"], lines);
  const notes = rows.filter(({ about }) => about);
  if (notes.length > 0) say(["", ...notes.map(({ id, about }) => `${id}: ${about}`)].join("\n"));
  for (const [command, ids] of commands(rows)) say(`\n${ids.join(", ")}:\n  ${command}`);
}

/**
 * @param {string[]} head
 * @param {string[][]} lines the first column is aligned to the left, the others to the right
 */
export function printTable(head, lines) {
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => (line[column] ?? "").length)));
  const format = (/** @type {string[]} */ line) =>
    widths.map((width, column) => (column === 0 ? (line[column] ?? "").padEnd(width) : (line[column] ?? "").padStart(width))).join("  ").trimEnd();
  say([format(head), widths.map((width) => "-".repeat(width)).join("  "), ...lines.map(format)].join("\n"));
}

/** The figures of each command. @param {Row[]} rows */
function commands(rows) {
  /** @type {Map<string, string[]>} */
  const ids = new Map();
  for (const { command, id } of rows) if (command) ids.set(command, [...(ids.get(command) ?? []), id]);
  return ids;
}

/** @param {Row} row */
function ratio({ value, peer_value, better }) {
  if (typeof peer_value !== "number") return null;
  const ratio = better === "faster" ? peer_value / value : value / peer_value;
  return Number.isFinite(ratio) ? round(ratio) : null;
}

/** @param {number} value */
function round(value) {
  return Number(value.toPrecision(4));
}
