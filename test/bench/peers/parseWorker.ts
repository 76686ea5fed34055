/**
 * The main of a bare thread that has some sources, and parses them all, one after the other, whenever it is told to: the
 * audit's work without a pool, a main thread, replicas or facts. It answers with how much it found.
 */
import { readFileSync } from "node:fs"
import { parentPort, workerData } from "node:worker_threads"
import { parseSource } from "../../../docs/examples/code-audit/parse.ts"

const { paths } = workerData as { readonly paths: ReadonlyArray<string> }

const sources = paths.map((path) => ({ path, text: readFileSync(path, "utf8") }))

const parseAll = (): number =>
  sources.reduce((sum, { path, text }) => {
    const { exports, functions, imports } = parseSource(path, text, text.length)
    return sum + exports.length + functions.length + imports.length
  }, 0)

parentPort!.on("message", () => parentPort!.postMessage(parseAll()))
