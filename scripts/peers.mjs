/**
 * The Python that what we are compared with runs in: a virtual environment in `.peers` with the pinned packages of
 * `benches/requirements.txt`. It is made once and again when they change; nothing that ships needs it.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root, run, say, which } from "./process.mjs";

const folder = join(root, ".peers/python");
const requirements = join(root, "benches/requirements.txt");

/** @returns {Promise<string>} the path of its `python` */
export async function peers() {
  const python = join(folder, "bin/python");
  const stamp = join(folder, "requirements.sha256");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python;
  const own = which("python3");
  if (!own) throw new Failure("there is no python3 on the PATH", "install Python 3.10 or newer with its venv module");
  say("peers    installing what figures are compared with");
  rmSync(folder, { recursive: true, force: true });
  await run(own, ["-m", "venv", folder], { remedy: "install Python's venv module (on Debian: apt-get install python3-venv)" });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r", requirements];
  await run(python, pip, { remedy: "check the network and PyPI" });
  writeFileSync(stamp, wanted);
  return python;
}
