/** The arguments that `npm run metta` understands. Boundary: pure; files are opened in main.ts. */
import { parseArgs } from "node:util"

export interface Options {
  readonly file: string | undefined
  readonly json: boolean
  /** The number of the evaluation to explain. */
  readonly explain: number | undefined
  /** Threads; 0 evaluates on the main thread. Undefined: one for each core. */
  readonly workers: number | undefined
  readonly maxSteps: number | undefined
  readonly maxDepth: number | undefined
}

export const usage = `Run a MeTTa program: one line for each evaluation, with all of its results.

  npm run metta -- [file] [options]

  file             the program; without one, lines are read from standard input and evaluated as they come
  --explain <n>    say by which rules the results of evaluation n came (they count from 1)
  --json           print one line of JSON for each evaluation
  --workers <n>    threads; 0 for none (default: one for each core)
  --max-steps <n>  the steps of an evaluation (default: 20,000,000)
  --max-depth <n>  the depth of an evaluation (default: 250,000)
  --help           this text

Exit code: 0 if every evaluation has its results, 2 if a budget of the job is used up, 3 if an evaluation or the job failed,
64 for wrong arguments, 130 after Ctrl-C.
`

const numbers = ["explain", "workers", "max-steps", "max-depth"] as const

/** The options, or what is wrong with them; "help" if that was asked for. */
export const parseOptions = (args: ReadonlyArray<string>): Options | { readonly problem: string } | "help" => {
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        explain: { type: "string" },
        workers: { type: "string" },
        "max-steps": { type: "string" },
        "max-depth": { type: "string" },
        help: { type: "boolean", short: "h", default: false }
      }
    })
  } catch (error) {
    return { problem: error instanceof Error ? (error.message.split(". ")[0] ?? error.message) : String(error) }
  }
  const { values, positionals } = parsed
  if (values.help) return "help"
  if (positionals.length > 1) return { problem: `one program at a time, not ${positionals.length}` }
  for (const name of numbers) {
    const value = values[name]
    const isWrong = value !== undefined && (!/^\d{1,12}$/.test(value) || (name !== "workers" && Number(value) === 0))
    if (isWrong) return { problem: `--${name} takes a number, not ${JSON.stringify(value)}` }
  }
  if (Number(values.workers ?? 0) > 256) return { problem: `--workers takes at most 256, not ${values.workers}` }
  if (values.explain !== undefined && positionals.length === 0) return { problem: "--explain needs a file" }
  const numberOf = (name: (typeof numbers)[number]): number | undefined =>
    values[name] === undefined ? undefined : Number(values[name])
  return {
    file: positionals[0],
    json: values.json,
    explain: numberOf("explain"),
    workers: numberOf("workers"),
    maxSteps: numberOf("max-steps"),
    maxDepth: numberOf("max-depth")
  }
}
