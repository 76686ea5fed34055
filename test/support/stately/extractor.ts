/**
 * Stately's own reader of source files, which its editor and its extension for VS Code use to find the machines of a file.
 *
 * The package is made for a version of XState that this project does not have. It needs names of that version's actions only,
 * so it is bundled with a copy of that version (`xstate-4`). Boundary: a source text in, Stately's result out.
 */
import { build } from "esbuild"
import { createRequire } from "node:module"
import { compileFunction } from "node:vm"

/** A guard or an action in the form of the extractor. */
interface Named {
  readonly kind: string
  readonly type?: string
  readonly action?: { readonly type: string }
}

/** The part of a node that the tests read. */
export interface ExtractedNode {
  readonly id?: string
  readonly initial?: string
  readonly type?: string
  readonly description?: string
  readonly entry?: Named | ReadonlyArray<Named>
  readonly exit?: Named | ReadonlyArray<Named>
  readonly on?: Readonly<Record<string, ExtractedTransition | ReadonlyArray<ExtractedTransition>>>
  readonly invoke?: ExtractedInvoke | ReadonlyArray<ExtractedInvoke>
  readonly states?: Readonly<Record<string, ExtractedNode>>
}

export interface ExtractedTransition {
  readonly target?: string
  readonly cond?: Named
  readonly actions?: Named | ReadonlyArray<Named>
}

export interface ExtractedInvoke {
  readonly id?: string
  readonly src: string
  readonly kind: string
}

interface Extracted {
  readonly toConfig: () => ExtractedNode | undefined
}

interface Extractor {
  readonly extractMachinesFromFile: (text: string) => { readonly machines: ReadonlyArray<Extracted | undefined> } | null
}

const load = async (): Promise<Extractor> => {
  const { outputFiles } = await build({
    stdin: { contents: `export * from "@xstate/machine-extractor"`, resolveDir: import.meta.dirname },
    alias: { xstate: "xstate-4" },
    bundle: true,
    format: "cjs",
    platform: "node",
    write: false,
    logLevel: "error"
  })
  const module: { exports: unknown } = { exports: {} }
  // The bundle is CommonJS, as the package is.
  const run: unknown = compileFunction(outputFiles[0]?.text ?? "", ["module", "exports", "require"])
  if (typeof run === "function") run(module, module.exports, createRequire(import.meta.url))
  return module.exports as Extractor
}

/** The machines that Stately finds in the text of a file. */
export const extract = async (text: string): Promise<ReadonlyArray<ExtractedNode>> => {
  const { extractMachinesFromFile } = await load()
  return (extractMachinesFromFile(text)?.machines ?? []).flatMap((machine) => machine?.toConfig() ?? [])
}
