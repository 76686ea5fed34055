/**
 * The definition of a benchmark: contenders that are measured round by round, and figures made of their measurements.
 *
 * Boundary: types, and the few helpers with which definitions are written. Nothing runs here.
 */
import type { PeerName } from "./peers.ts"

/** The measurements of one contender in one round. */
export interface Measured {
  /** Numbers by metric, such as `perCycle`. */
  readonly values: Readonly<Record<string, number>>
  /** Many numbers of one metric, for figures over all of them (percentiles). */
  readonly samples?: Readonly<Record<string, ReadonlyArray<number>>>
  /** The result of the computation: its hash is compared and printed, so that no contender wins by not working. */
  readonly result: unknown
}

/** A contender that is ready to be measured. */
export interface Ready {
  readonly round: () => Promise<Measured>
  readonly stop?: () => Promise<void>
}

export interface Contender {
  readonly name: string
  /** Its setup, for the page. */
  readonly about: string
  /** The package that it needs; without it the contender is left out. */
  readonly peer?: PeerName
  /** Another need of the contender: names what the machine lacks and how to get it, or returns nothing. */
  readonly missing?: () => string | undefined
  /** A word for the computation: contenders with the same word must have the same result. Default: all compute the same. */
  readonly computes?: string
  readonly start: (isTiny: boolean) => Promise<Ready>
}

/** The value of a contender's metric in one round; NaN if the contender is not there. */
export type Round = (contender: string, metric: string) => number

export interface Figure {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: "lower" | "higher"
  readonly bar?: number
  readonly aim?: number
  /** The figure of one round. The figure is the median of the rounds. */
  readonly ofRound?: (round: Round) => number
  /** The figure is a quantile that each round measures as one number, such as a p99. */
  readonly isQuantile?: boolean
  /** A figure over the samples of all rounds together: which, and which quantile of them. */
  readonly ofSamples?: { readonly contender: string; readonly metric: string; readonly quantile: number }
}

export interface Metric {
  readonly title: string
  readonly unit: string
  /** Each value is a quantile of a round, such as a p99. */
  readonly isQuantile?: boolean
}

/** A paragraph, or several. One that begins with "- " is an item of a list. */
export type Prose = string | ReadonlyArray<string>

/** A number as prose writes it: prose repeats no number of its definition by hand. */
export const count = (number: number): string => number.toLocaleString("en-US")

export interface Benchmark {
  readonly name: string
  readonly title: string
  /** The measurement: its subject and its method. */
  readonly measures: Prose
  /** The limits of the measurement: parts that it leaves out, and conclusions that it does not allow. */
  readonly notMeasured: Prose
  /** Where a bar is not met: the reason, and the change that would be needed. */
  readonly missed?: Prose
  readonly rounds: number
  /** Rounds that are run first and not counted. */
  readonly warmups: number
  /** Milliseconds of each contender before the warm-up rounds; 0 where a start is measured. Default: see measure.ts. */
  readonly warmupMs?: number
  readonly metrics: Readonly<Record<string, Metric>>
  readonly contenders: ReadonlyArray<Contender>
  readonly figures: ReadonlyArray<Figure>
  /** The result of plain code for each word of `computes` ("" by default). A word without plain code is left out. */
  readonly expected?: (isTiny: boolean) => Readonly<Record<string, unknown>>
}

/**
 * Whether a figure is a quantile. No spread is shown beside one: a reader would take it for the quantiles of the same
 * numbers, and a p99 lies outside of their tenth to ninetieth percentile.
 */
export const isQuantile = ({ isQuantile, ofSamples }: Figure): boolean => ofSamples !== undefined || isQuantile === true

/** Left over right, of the same metric in the same round. */
export const ratio =
  (left: string, right: string, metric: string) =>
  (round: Round): number =>
    round(left, metric) / round(right, metric)

/** A contender's metric as it is. */
export const value =
  (contender: string, metric: string) =>
  (round: Round): number =>
    round(contender, metric)

/** The best of some contenders in a round; a contender that was left out is ignored. */
export const best = (round: Round, metric: string, ...contenders: ReadonlyArray<string>): number =>
  Math.min(...contenders.map((name) => round(name, metric)).filter((number) => !Number.isNaN(number)))
