/**
 * Measured figures, as a table for people or, with --json, as one object for machines: {"rows": [Row]}.
 */
import { say } from "./process.mjs";

/**
 * @typedef {object} Row
 * @property {string} id stable name of the figure
 * @property {number} value
 * @property {string} unit
 * @property {string | null} [peer] what it is compared with
 * @property {number | null} [peer_value] the peer's figure in the same unit
 */

/** Whether the caller asked for JSON; then stdout must carry nothing else. */
export const wantsJson = process.argv.includes("--json");

/** @param {Row[]} rows */
export function printJson(rows) {
  const complete = rows.map(({ id, value, unit, peer = null, peer_value = null }) => ({
    id,
    value,
    unit,
    peer,
    peer_value,
    ratio: peer_value === null ? null : round(value / peer_value),
  }));
  say(JSON.stringify({ rows: complete }));
}

/** @param {Row[]} rows */
export function printRows(rows) {
  if (wantsJson) return printJson(rows);
  const lines = rows.map(({ id, value, unit, peer = null, peer_value = null }) => [
    id,
    `${round(value)} ${unit}`,
    peer ?? "",
    peer_value === null ? "" : `${round(peer_value)} ${unit}`,
    peer_value === null ? "" : String(round(value / peer_value)),
  ]);
  printTable(["figure", "value", "against", "its value", "ratio"], lines);
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

/** @param {number} value */
function round(value) {
  return Number(value.toPrecision(4));
}
