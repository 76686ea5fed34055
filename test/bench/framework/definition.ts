/**
 * What a benchmark is: contenders that are measured round by round, and figures made of what they measured.
 *
 * Boundary: types, and the few helpers with which definitions are written. Nothing runs here.
 */
import type { PeerName } from "./peers.ts"

/** What one contender measured in one round. */
export interface Measured {
  /** Numbers by metric, such as `perCycle`. */
  readonly values: Readonly<Record<string, number>>
  /** Many numbers of one metric, for figures over all of them (percentiles). */
  readonly samples?: Readonly<Record<string, ReadonlyArray<number>>>
  /** What was computed: its hash is compared and printed, so that nobody wins by not working. */
  readonly result: unknown
}

/** A contender that is ready to be measured. */
export interface Ready {
  readonly round: () => Promise<Measured>
  readonly stop?: () => Promise<void>
}

export interface Contender {
  readonly name: string
  /** How it is set up, for the page. */
  readonly about: string
  /** The package that it needs; without it the contender is left out. */
  readonly peer?: PeerName
  /** What else it needs of the machine: says what is missing and how to get it, or nothing. */
  readonly missing?: () => string | undefined
  /** Contenders that compute the same have the same word here. Default: all do. */
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
  /** The figure of one round; the figure is the median of those. */
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

export interface Benchmark {
  readonly name: string
  readonly title: string
  /** What is measured and how, as prose for the page. */
  readonly measures: string
  /** What was not measured, or what one must not conclude. */
  readonly notMeasured: string
  /** Where a bar is not met: why, and what would have to change. */
  readonly missed?: string
  readonly rounds: number
  /** Rounds that are run first and not counted. */
  readonly warmups: number
  /** For how long each contender runs before those, in milliseconds. Default: see measure.ts. 0 where a start is measured. */
  readonly warmupMs?: number
  readonly metrics: Readonly<Record<string, Metric>>
  readonly contenders: ReadonlyArray<Contender>
  readonly figures: ReadonlyArray<Figure>
  /** What has to come out, by plain code, for each word of `computes` ("" by default). Left out where no plain code is. */
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

/** The best of some contenders in a round, whoever of them is there. */
export const best = (round: Round, metric: string, ...contenders: ReadonlyArray<string>): number =>
  Math.min(...contenders.map((name) => round(name, metric)).filter((number) => !Number.isNaN(number)))
