/**
 * The arguments that `npm start` understands: those of the audit's command line.
 *
 * Boundary: pure; paths are made sense of in main.ts.
 */
import { parseArgs } from "node:util"

export interface Options {
  readonly entry: string | undefined
  readonly json: boolean
  readonly html: string | undefined
  readonly deep: boolean
  /** Threads for CPU agents; 0 runs them on the main thread. Undefined: one for each core. */
  readonly workers: number | undefined
}

export const usage = `Audit a JavaScript or TypeScript package from its entry file.

  npm start -- [entry] [options]

  entry            the file to start from (default: effect's own entry)
  --html <file>    write a report with the module graph drawn
  --json           print the result as one line of JSON
  --deep           enter the packages that it imports, too
  --workers <n>    threads for CPU work; 0 for none (default: one for each core)
  --help           this text
`

/** The options, or what is wrong with them; "help" if that was asked for. */
export const parseOptions = (args: ReadonlyArray<string>): Options | { readonly problem: string } | "help" => {
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        html: { type: "string" },
        deep: { type: "boolean", default: false },
        workers: { type: "string" },
        help: { type: "boolean", short: "h", default: false }
      }
    })
  } catch (error) {
    return { problem: error instanceof Error ? (error.message.split(". ")[0] ?? error.message) : String(error) }
  }
  const { values, positionals } = parsed
  if (values.help) return "help"
  if (positionals.length > 1) return { problem: `one entry at a time, not ${positionals.length}` }
  if (values.workers !== undefined && !/^\d{1,3}$/.test(values.workers)) {
    return { problem: `--workers takes a number, not ${JSON.stringify(values.workers)}` }
  }
  if (values.html === "") return { problem: "--html takes the name of a file" }
  return {
    entry: positionals[0],
    json: values.json,
    html: values.html,
    deep: values.deep,
    workers: values.workers === undefined ? undefined : Number(values.workers)
  }
}
