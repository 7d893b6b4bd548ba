/**
 * What we are compared with, in folders of `.peers`: a virtual environment of Python with the pinned packages of
 * `benches/requirements.txt`, and the packages of `benches/peers.json` for Node. Each is made once and again when they change; nothing
 * that ships needs them.
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root, run, say, which } from "./process.mjs";

const folder = join(root, ".peers/python");
const requirements = join(root, "benches/requirements.txt");
const nodeFolder = join(root, ".peers/node");
const nodePackages = join(root, "benches/peers.json");

/** @returns {Promise<string>} the path of its `python` */
export async function peers() {
  const python = join(folder, "bin/python");
  const made = stamp(folder, requirements);
  if (made.valid) return python;
  const own = which("python3");
  if (!own) throw new Failure("there is no python3 on the PATH", "install Python 3.10 or newer with its venv module");
  say("peers    installing what figures are compared with");
  rmSync(folder, { recursive: true, force: true });
  await run(own, ["-m", "venv", folder], { remedy: "install Python's venv module (on Debian: apt-get install python3-venv)" });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r", requirements];
  await run(python, pip, { remedy: "check the network and PyPI" });
  made.write();
  return python;
}

/** @returns {Promise<string>} the folder that has the packages in its `node_modules` */
export async function nodePeers() {
  const made = stamp(nodeFolder, nodePackages);
  if (made.valid) return nodeFolder;
  say("peers    installing what figures are compared with in Node");
  rmSync(nodeFolder, { recursive: true, force: true });
  mkdirSync(nodeFolder, { recursive: true });
  copyFileSync(nodePackages, join(nodeFolder, "package.json"));
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], { cwd: nodeFolder, remedy: "check the network and npm" });
  made.write();
  return nodeFolder;
}

/** Whether a folder was made from a list as it is now. @param {string} folder @param {string} list */
function stamp(folder, list) {
  const path = join(folder, "made-from.sha256");
  const wanted = createHash("sha256").update(readFileSync(list)).digest("hex");
  return { valid: existsSync(path) && readFileSync(path, "utf8") === wanted, write: () => writeFileSync(path, wanted) };
}
