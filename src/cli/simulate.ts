/**
 * `converge simulate`: runs a program through orders and faults that seeds decide. Boundary: composition; src/testing simulates.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import type { Program } from "../program/Program.ts"
import { type SimulationFault, simulationFaults } from "../testing/simulation/faultNames.ts"
import type { Progress } from "../testing/simulation/check.ts"
import { simulated, type Simulated, SimulationFailed, WaitsOutside } from "../testing/simulate.ts"
import { readSignals, waitingLines } from "./arrivals.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import * as Input from "./input.ts"
import { layerOf, look, warnOf } from "./jobRun.ts"
import { choose, load } from "./programs.ts"
import { missingHint } from "./report.ts"
import type { Page } from "./storedJobs.ts"
import { startFailure } from "./storeFile.ts"
import { flow, indent, oneLine, plural, pretty, printable, toPlain, truncate, wrap } from "./text.ts"

export interface SimulateOptions {
  readonly module: string
  readonly program: string | undefined
  readonly input: string | undefined
  readonly inputFile: string | undefined
  readonly seeds: number | undefined
  readonly seed: number | undefined
  readonly faults: string | undefined
  /** The file of the signals that arrive. */
  readonly signals: string | undefined
  readonly json: boolean
  readonly quiet: boolean
}

type Found = SimulationFailed | WaitsOutside

export const simulate = (
  host: Host,
  options: SimulateOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const seeds = yield* seedsOf(options)
    const faults = yield* faultsOf(options.faults)
    const module = yield* load(options.module)
    const program = yield* choose(module, options.program)
    const input = yield* Input.read(program, { text: options.input, file: options.inputFile })
    const signals = yield* readSignals(program, options.signals)
    if (!options.quiet) yield* warnOf(host, program)
    const { handlers, programs: children } = module
    const given = { input, seeds, faults, signals, handlers, children, layer: layerOf(module) }
    const checked = simulated(program, given, options.quiet ? undefined : progressOf(host, program))
    const found: Simulated | Found = yield* Effect.catchTags(checked, {
      SimulationFailed: (error) => Effect.succeed(error),
      WaitsOutside: (error) => Effect.succeed(error)
    }).pipe(Effect.mapError(failureOf))
    const text = options.json ? JSON.stringify(jsonOf(found, options)) : pageOf(found, options, look())
    yield* host.write(`${text}\n`)
    return "_tag" in found || found.status === "failed" ? ExitCode.failed : 0
  }).pipe(Effect.scoped)

/** The layer of the module fails with an error of the command, which the check gives on as it is. */
const failureOf = (error: Exclude<Effect.Error<ReturnType<typeof simulated>>, Found> | CommandFailed): Failed => {
  if (error instanceof CommandFailed) return error
  return error._tag === "InvalidOptions"
    ? new UsageError({ message: error.message.replace(/^Testing\.simulate: /, "--") })
    : startFailure("the job was not started", error)
}

const seedsOf = ({ seed, seeds }: SimulateOptions): Effect.Effect<number | ReadonlyArray<number>, UsageError> => {
  if (seed !== undefined && seeds !== undefined) {
    return Effect.fail(new UsageError({ message: "--seed runs one seed, and --seeds that many: give one of them" }))
  }
  return Effect.succeed(seed === undefined ? (seeds ?? 100) : [seed])
}

const faultsOf = (text: string | undefined): Effect.Effect<boolean | ReadonlyArray<SimulationFault>, UsageError> => {
  if (text === undefined || text === "all") return Effect.succeed(true)
  if (text === "none") return Effect.succeed(false)
  const names = text.split(",").map((name) => name.trim())
  const faults = names.flatMap((name) => simulationFaults.find((fault) => fault === name) ?? [])
  if (faults.length === names.length) return Effect.succeed(faults)
  const unknown = names.find((name) => !simulationFaults.some((fault) => fault === name))
  const details = [...simulationFaults, "all", "none"].map((fault) => `  ${fault}`).join("\n")
  const message = `--faults: there is no fault ${JSON.stringify(unknown)}; choose some of these, with commas between them:`
  return Effect.fail(new UsageError({ message, details }))
}

const progressOf = (host: Host, { name }: Program.Any): Progress => ({
  begins: (place, count) =>
    place % Math.ceil(count / 10) === 0 ? host.warn(`${oneLine(name)}: seed ${place + 1} of ${count}`) : Effect.void,
  differs: (seed) => host.warn(`${oneLine(name)}: seed ${seed} differs; looking for the smallest run that does`)
})

/* ---------------------------------------------------------------- what is printed */

/** An argument as a shell reads it. */
const quoted = (text: string): string => (/^[\w./:=@,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** The command that runs a seed again. */
const againOf = ({ faults, input, inputFile, module, program, signals }: SimulateOptions, seed: number): string => {
  const flag = (name: string, value: string | undefined): ReadonlyArray<string> =>
    value === undefined ? [] : [`--${name}`, quoted(value)]
  return [
    ...["converge", "simulate", quoted(module), "--seed", String(seed)],
    ...flag("program", program),
    ...flag("input", input),
    ...flag("input-file", inputFile),
    ...flag("faults", faults),
    ...flag("signals", signals)
  ].join(" ")
}

const jsonOf = (found: Simulated | Found, options: SimulateOptions) => {
  if (!("_tag" in found)) {
    const { error = null, ...report } = found
    return { ...report, error, isSame: true, failure: null }
  }
  const { program } = found
  if (found instanceof WaitsOutside) {
    const { _tag, agent, message, seed = null, waitsFor } = found
    return { program, isSame: false, failure: { _tag, seed, agent, waitsFor, message } }
  }
  const { _tag, advice, agent, cycle, difference, each = null, expected = null, fact = null, happens, what } = found
  const { found: other = null, seed } = found
  const again = seed === undefined ? null : againOf(options, seed)
  const failure = { _tag, seed: seed ?? null, what, agent, each, fact, cycle, expected, found: other }
  return { program, isSame: false, failure: { ...failure, difference, advice, happens, again } }
}

const pageOf = (found: Simulated | Found, options: SimulateOptions, page: Page): string => {
  const { style, width } = page
  const name = oneLine(found.program)
  if (!("_tag" in found)) return reportOf(found, page)
  const sentence = (text: string): ReadonlyArray<string> => (text === "" ? [] : [wrap(`  ${oneLine(text)}`, width)])
  if (found instanceof WaitsOutside) {
    const where = found.seed === undefined ? "" : ` (seed ${found.seed})`
    return [style("red", `✖ ${name} cannot be simulated${where}`), ...sentence(found.message)].join("\n")
  }
  const { advice, difference, expected, happens, seed } = found
  const shown = (value: unknown): string =>
    indent(printable(truncate(pretty(toPlain(value) ?? null, width - 4), 4_000)), "    ")
  if (seed === undefined) return [style("red", `✖ ${name} comes to no end`), ...sentence(difference)].join("\n")
  return [
    style("red", `✖ ${name} gives something else with seed ${seed}`),
    ...sentence(difference),
    ...sentence(advice),
    "  as it is",
    shown(expected),
    "  with the seed",
    shown(found.found),
    style("bold", "the smallest run that differs"),
    ...(happens.length === 0 ? ["  the same run once more"] : happens.map((line) => `  ${oneLine(line)}`)),
    style("bold", "to run it again"),
    `  ${printable(againOf(options, seed))}`
  ].join("\n")
}

const reportOf = (report: Simulated, { style, width }: Page): string => {
  const { cancelled, error, lives, message, program, seeds, status, waitsFor } = report
  const name = oneLine(program)
  if (seeds === 0) {
    const head = style("red", `✖ ${name} was not simulated: its plain run ended with ${error ?? status}`)
    return [head, indent(printable(truncate(message, 4_000)), "  "), ...missingHint(message)].join("\n")
  }
  const head =
    error === undefined
      ? `${style("green", `✔ ${name} gives the same in every order and through every fault`)}  ${plural(seeds, "seed")}`
      : style(
          status === "failed" ? "red" : "green",
          `${status === "failed" ? "✖" : "✔"} ${name} did not converge: ${plural(seeds, "seed")} ended alike, with ${error}`
        )
  const met = Object.entries(report.faults).flatMap(([fault, count]) => (count === 0 ? [] : [`${fault} ${count}`]))
  const faults = met.length === 0 ? ["  no faults"] : flow(met, width - 2).map((line) => `  ${line}`)
  const counts = `  ${plural(lives, "life").replace(/lifes$/, "lives")} of the process, ${plural(cancelled, "run")} cancelled`
  const why = message === "" ? [] : [indent(printable(truncate(message, 4_000)), "  ")]
  return [head, ...why, ...waitingLines(waitsFor), counts, ...faults].join("\n")
}
