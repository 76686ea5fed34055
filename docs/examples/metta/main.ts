/**
 * The application around the language, and what `npm run metta` runs: a program of a file, or lines as they come.
 *
 * Results go to stdout, all else to stderr. Exit codes: see options.ts.
 *
 * Boundary: the only file of the example that knows of a process, its streams and its runtime.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { readFileSync, statSync } from "node:fs"
import { resolve } from "node:path"
import { createInterface } from "node:readline"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import { defaultLimits, type Limits } from "./budget.ts"
import { explain, formatExplained } from "./explain.ts"
import type { Line } from "./lines.ts"
import { type Options, parseOptions, usage } from "./options.ts"
import { parseProgram } from "./parse.ts"
import { makeSession, type Ran } from "./session.ts"

const exits = { done: 0, budget: 2, failed: 3, usage: 64, interrupted: 130 }

const limitsOf = ({ maxSteps, maxDepth }: Options): Limits => ({
  steps: maxSteps ?? defaultLimits.steps,
  depth: maxDepth ?? defaultLimits.depth
})

const main = (args: ReadonlyArray<string>): Effect.Effect<number> => {
  const options = parseOptions(args)
  if (options === "help") return Effect.as(print(process.stdout, usage), exits.done)
  if ("problem" in options) return Effect.as(print(process.stderr, `${options.problem}\n\n${usage}`), exits.usage)
  const pool = WorkerPool.layer(options.workers === undefined ? {} : { size: options.workers })
  const engine = Engine.layer().pipe(Layer.provide(pool), Layer.provide(JobStore.layerMemory))
  const run = options.file === undefined ? runLines(options) : runFile(options.file, options)
  return Effect.provide(run, engine)
}

const lineText = ({ evaluation, line, column, text, results, failed }: Line, json: boolean): string =>
  json ? `${JSON.stringify({ evaluation, line, column, text, results, failed })}\n` : `[${results.join(", ")}]\n`

/** Runs a text of a session, and prints its lines. Answers the exit code, and what is known of the run. */
const runText = (session: ReturnType<typeof makeSession>, text: string, { json }: Options) =>
  Effect.matchEffect(session(text), {
    onSuccess: (ran) => {
      const code = ran.lines.some(({ failed }) => failed) ? exits.failed : exits.done
      return Effect.as(print(process.stdout, ran.lines.map((line) => lineText(line, json)).join("")), { code, ran })
    },
    onFailure: (error) => {
      const code = error._tag === "BudgetExhausted" ? exits.budget : exits.failed
      return Effect.as(print(process.stderr, `${error._tag}: ${error.message}\n`), { code, ran: undefined })
    }
  })

// ---------------------------------------------------------------------------------------------------------------- files

const runFile = (file: string, options: Options) =>
  Effect.gen(function* () {
    const path = resolve(startedIn(), file)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
      yield* print(process.stderr, `there is no file ${file}\n`)
      return exits.usage
    }
    const { code, ran } = yield* runText(makeSession(limitsOf(options)), readFileSync(path, "utf8"), options)
    if (ran === undefined || options.explain === undefined) return code
    return (yield* printExplanation(ran, options.explain, limitsOf(options))) ? code : exits.usage
  })

/** Prints by which rules the results of an evaluation came. Answers whether there is such an evaluation. */
const printExplanation = ({ lines, known }: Ran, evaluation: number, limits: Limits): Effect.Effect<boolean> => {
  const line = lines.find((each) => each.evaluation === evaluation)
  if (line === undefined)
    return Effect.as(
      print(process.stderr, `there are ${lines.length} evaluations, and no number ${evaluation}\n`),
      false
    )
  const explained = explain(known, line.step, limits)
  const text = typeof explained === "string" ? `  ${explained}\n` : formatExplained(explained)
  const heading = `\n!${line.text}   line ${line.line}, column ${line.column}\n`
  return Effect.as(print(process.stdout, heading + text), true)
}

// ---------------------------------------------------------------------------------------------------------------- lines

/** Evaluates lines as they come, until there are no more. A text whose brackets are open goes on with the next line. */
const runLines = (options: Options) =>
  Effect.gen(function* () {
    const isTerminal = process.stdin.isTTY
    const input = createInterface({ input: process.stdin, ...(isTerminal ? { output: process.stdout } : {}) })
    const lines = input[Symbol.asyncIterator]()
    const session = makeSession(limitsOf(options))
    let code = exits.done
    let text = ""
    for (;;) {
      if (isTerminal) yield* print(process.stdout, text === "" ? "metta> " : "     > ")
      const next = yield* Effect.promise(() => lines.next())
      if (next.done === true && text.trim() === "") return code
      text += next.done === true ? "" : `${next.value}\n`
      const isOpen = /never closed/.test(parseProgram(text).fault?.message ?? "")
      if (isOpen && next.done !== true) continue
      const ran = yield* runText(session, text, options)
      code = Math.max(code, ran.code)
      if (next.done === true) return code
      text = ""
    }
  })

/** The folder in which the command was given. npm runs scripts in the project's root, and says where it was started itself. */
const startedIn = (): string =>
  (process.env["npm_lifecycle_event"] === "metta" ? process.env["INIT_CWD"] : undefined) ?? process.cwd()

/** Writes a text, and waits until it is out. A reader that closed its pipe has seen enough. */
const print = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    stream.write(text, () => resume(Effect.void))
  })

for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})

// Standard output is for results.
const logged = Effect.provideService(main(process.argv.slice(2)), Logger.LogToStderr, true)

NodeRuntime.runMain(logged, {
  disableErrorReporting: false,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? (exit.value as number) : exits.interrupted)
})
