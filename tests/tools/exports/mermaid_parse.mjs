// Reads a JSON list of diagrams, prints a JSON list of what Mermaid says of each: "" if it can draw it.
// The folder that holds node_modules with mermaid and jsdom is the first argument.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";
import path from "node:path";

const modules = path.join(process.argv[2], "node_modules");
const { JSDOM } = createRequire(path.join(modules, "_"))("jsdom");
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const { default: mermaid } = await import(pathToFileURL(path.join(modules, "mermaid/dist/mermaid.core.mjs")));
mermaid.initialize({ startOnLoad: false });

const said = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const { diagramType } = await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    const messages = diagram.db.getMessages().map((each) => each.message);
    said.push({ type: diagramType, messages, actors: diagram.db.getActorKeys(), size: text.length });
  } catch (error) {
    said.push({ type: "", error: String(error), messages: [], actors: [], size: text.length });
  }
}
process.stdout.write(JSON.stringify(said));
