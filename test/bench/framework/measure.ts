/**
 * Measures one benchmark: contenders take turns, round by round, in an order that rotates, so that a slow minute of the
 * machine meets all of them. Figures are made of paired rounds: a ratio is the median of the rounds' ratios.
 *
 * Invariants: warm-up rounds are not counted; contenders that compute the same must have the same hash in every round, and
 * that of plain code where there is some. Boundary: no output; progress goes to a callback.
 */
import { createHash } from "node:crypto"
import { type Benchmark, type Contender, type Figure, isQuantile, type Measured, type Ready } from "./definition.ts"
import { isInstalled } from "./peers.ts"
import { quantile, summarise, type Summary } from "./statistics.ts"

export interface FigureOutcome {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: "lower" | "higher"
  readonly bar: number | null
  readonly aim: number | null
  /** Null if a contender that it needs was left out. */
  readonly value: number | null
  /** The tenth and ninetieth percentile of the rounds whose median the value is. Null for a quantile. */
  readonly spread: readonly [number, number] | null
  readonly met: boolean | null
}

export interface ContenderOutcome {
  readonly name: string
  readonly about: string
  /** The need that the machine does not meet. */
  readonly missing: string | null
  readonly hash: string | null
  readonly metrics: Readonly<Record<string, Summary>>
}

export interface Outcome {
  readonly name: string
  readonly rounds: number
  readonly seconds: number
  readonly contenders: ReadonlyArray<ContenderOutcome>
  readonly figures: ReadonlyArray<FigureOutcome>
}

export interface Options {
  readonly isTiny: boolean
  readonly rounds: number | undefined
  readonly onRound: (round: number, rounds: number) => void
}

/** One contender's rounds. */
interface Lane {
  readonly contender: Contender
  readonly ready: Ready
  readonly measured: Array<Measured>
}

/** Keys in the order of their names: the same result in another order is the same result. */
const sorted = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

const hashOf = (result: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(result, sorted) ?? "undefined")
    .digest("hex")

/**
 * Collects the young generation, so that the garbage of one contender is not collected in the time of the next. It leaves
 * the old generation alone: a forced full collection throws away compiled code that refers to dead objects, and no program
 * runs like that. The process has to be one that child.ts starts, with the flag for it: setting the flag later has crashed V8.
 * In another process, such as a test's, nothing is collected.
 */
export const collectYoung = (): void => globalThis.gc?.({ type: "minor", execution: "sync" })

/** The hashes of the results of plain code, by computation. `checkHash` adds that of each computation without plain code. */
export const expectedHashes = ({ expected }: Benchmark, isTiny: boolean): Map<string, string> =>
  new Map(Object.entries(expected?.(isTiny) ?? {}).map(([computes, result]) => [computes, hashOf(result)]))

/** For how long a contender runs before the first round, in milliseconds, unless its benchmark says otherwise. */
export const warmupMs = 1_500

export const measure = async (benchmark: Benchmark, options: Options): Promise<Outcome> => {
  const began = performance.now()
  const { isTiny } = options
  const rounds = options.rounds ?? (isTiny ? 1 : benchmark.rounds)
  const warmups = isTiny ? 0 : benchmark.warmups
  const hashes = expectedHashes(benchmark, isTiny)
  const lanes: Array<Lane> = []
  try {
    for (const contender of benchmark.contenders) {
      if (missingOf(contender) !== null) continue
      lanes.push({ contender, ready: await contender.start(isTiny), measured: [] })
    }
    // Each for the same time: the speed of compiled code is measured, not that of the compiler.
    for (const { contender, ready } of isTiny ? [] : lanes) {
      const until = performance.now() + (benchmark.warmupMs ?? warmupMs)
      while (performance.now() < until) checkHash(benchmark, contender, await ready.round(), hashes)
    }
    for (let round = 0; round < warmups + rounds; round++) {
      options.onRound(Math.max(0, round + 1 - warmups), rounds)
      for (let place = 0; place < lanes.length; place++) {
        const lane = lanes[(place + round) % lanes.length]!
        collectYoung()
        const measured = await lane.ready.round()
        checkHash(benchmark, lane.contender, measured, hashes)
        if (round >= warmups) lane.measured.push(measured)
      }
    }
  } finally {
    for (const lane of lanes) await lane.ready.stop?.()
  }
  return {
    name: benchmark.name,
    rounds,
    seconds: (performance.now() - began) / 1_000,
    contenders: benchmark.contenders.map((contender) => describe(contender, lanes, hashes)),
    figures: benchmark.figures.map((figure) => figureOf(isTiny ? withoutBounds(figure) : figure, lanes, rounds))
  }
}

/** The need of a contender that the machine does not meet. */
const missingOf = ({ missing, peer }: Contender): string | null =>
  peer !== undefined && !isInstalled(peer) ? `${peer} is not installed` : (missing?.() ?? null)

/** Returns the hash of a result. Throws if it differs from the hash that is known for this computation. */
export const checkHash = (
  benchmark: Benchmark,
  contender: Contender,
  { result }: Measured,
  hashes: Map<string, string>
): string => {
  const computes = contender.computes ?? ""
  const hash = hashOf(result)
  const known = hashes.get(computes)
  if (known === undefined) hashes.set(computes, hash)
  else if (known !== hash) {
    const shown = JSON.stringify(result)?.slice(0, 300)
    throw new Error(`${benchmark.name}: ${contender.name} computed something else than the others: ${shown}`)
  }
  return hash
}

const describe = (
  contender: Contender,
  lanes: ReadonlyArray<Lane>,
  hashes: ReadonlyMap<string, string>
): ContenderOutcome => {
  const { about, name } = contender
  const lane = lanes.find((candidate) => candidate.contender === contender)
  if (lane === undefined) return { name, about, missing: missingOf(contender), hash: null, metrics: {} }
  const metrics = Object.keys(lane.measured[0]!.values).map(
    (metric) => [metric, summarise(lane.measured.map(({ values }) => values[metric]!))] as const
  )
  const hash = hashes.get(contender.computes ?? "") ?? null
  return { name, about, missing: null, hash, metrics: Object.fromEntries(metrics) }
}

/** A tiny run shows that a figure can be taken, not how it stands. */
const withoutBounds = (figure: Figure): Figure => {
  const { aim, bar, ...rest } = figure
  return aim === undefined && bar === undefined ? figure : rest
}

const figureOf = (figure: Figure, lanes: ReadonlyArray<Lane>, rounds: number): FigureOutcome => {
  const { aim = null, bar = null, better, name, title, unit } = figure
  const laneOf = (contender: string) => lanes.find((lane) => lane.contender.name === contender)
  let numbers: ReadonlyArray<number>
  let value: number
  if (figure.ofSamples !== undefined) {
    const { contender, metric, quantile: q } = figure.ofSamples
    numbers = laneOf(contender)?.measured.flatMap(({ samples }) => samples?.[metric] ?? []) ?? []
    value = quantile(numbers, q)
  } else {
    numbers = Array.from({ length: rounds }, (_, round) =>
      figure.ofRound!((contender, metric) => laneOf(contender)?.measured[round]?.values[metric] ?? Number.NaN)
    )
    value = numbers.some((number) => !Number.isFinite(number)) ? Number.NaN : quantile(numbers, 0.5)
  }
  if (!Number.isFinite(value)) return { name, title, unit, better, bar, aim, value: null, spread: null, met: null }
  const met = bar === null ? null : better === "lower" ? value <= bar : value >= bar
  const spread = isQuantile(figure) ? null : ([quantile(numbers, 0.1), quantile(numbers, 0.9)] as const)
  return { name, title, unit, better, bar, aim, value, spread, met }
}
