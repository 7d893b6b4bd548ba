/** The overlay that shows what Pocketrank knows and does on a page. Importing it shows it; nothing of it is in the page's own script. */
import css from "../devtools.css";
import { Panel } from "./devtools/panel.js";

let panel: Panel | undefined;

export async function show(): Promise<void> {
  panel ??= new Panel(css, () => import("./decide.js"));
  await panel.show();
}

export function hide(): void {
  panel?.hide();
}

void show();
