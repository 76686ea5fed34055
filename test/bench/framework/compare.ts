/**
 * Compares two packages in one case: in each round two new processes, one for each package, measure by turns.
 *
 * Two neighbouring measurements are a pair, so a slow moment of the machine meets both packages; the order within a pair
 * changes from pair to pair. The state of a process that lasts as long as it lives (compiled code, the place of its heap)
 * differs between rounds. So the ratio of a round is the median of its pairs, and the ratio of a case is the median of its
 * rounds.
 *
 * Invariants: warm-up is not counted; both packages compute the same, which is the result of plain code where the
 * benchmark has some.
 * Boundary: processes and numbers; no output.
 */
import { loadavg } from "node:os"
import type { SideAnswer, SideInput, SideQuestion } from "../children/side.ts"
import type { Case } from "./cases.ts"
import { type Companion, startCompanion } from "./child.ts"
import { packageVariable } from "./packageFolder.ts"
import { load } from "./registry.ts"
import { median, medianInterval, summarise, type Summary } from "./statistics.ts"

/** Folders of packages. */
export interface Packages {
  readonly old: string
  readonly new: string
}

type Name = keyof Packages
type Side = Companion<SideQuestion, SideAnswer>

type Sample = Pick<SideAnswer, "value" | "cpuMs">

/** The measurements of both packages, pair by pair. */
export type ComparedRound = Readonly<Record<Name, ReadonlyArray<Sample>>>

/** The ratios of all rounds. */
export interface Ratio extends Summary {
  /** The median lies in it with a confidence of 95 %. Null for too few rounds. */
  readonly interval: readonly [number, number] | null
}

export interface Comparison {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly old: Summary
  readonly new: Summary
  /** New over old. */
  readonly ratio: Ratio
  /** The same of the CPU time that was spent. Null where other processes spent it. */
  readonly cpuRatio: Ratio | null
  readonly rounds: ReadonlyArray<ComparedRound>
  readonly seconds: number
  /** The machine's load of the last minute, when the case began and when it ended. */
  readonly load: readonly [number, number]
}

export interface CompareOptions {
  readonly isTiny: boolean
  readonly rounds: number
  readonly onRound: (round: number, rounds: number) => void
}

const startSide = (it: Case, folder: string, isTiny: boolean): Side => {
  const input: SideInput = { benchmark: it.benchmark, contender: it.contender, metric: it.metric, isTiny }
  return startCompanion<SideQuestion, SideAnswer>("side.ts", input, {
    env: { [packageVariable]: folder },
    isApart: true
  })
}

const orders: ReadonlyArray<readonly [Name, Name]> = [
  ["old", "new"],
  ["new", "old"]
]

const compareOnce = async (it: Case, packages: Packages, round: number, isTiny: boolean): Promise<ComparedRound> => {
  const order = orders[round % 2]!
  const started = order.map((name) => [name, startSide(it, packages[name], isTiny)] as const)
  const sides = Object.fromEntries(started) as Record<Name, Side>
  try {
    const hashes = new Set<string>()
    for (const name of order) hashes.add((await sides[name].ask("warm up")).hash)
    if (hashes.size > 1 && it.mayDiffer !== true) throw new Error(`${it.name}: the packages computed different things`)
    const samples: Record<Name, Array<Sample>> = { old: [], new: [] }
    for (let pair = 0; pair < (isTiny ? 1 : it.samples); pair++) {
      for (const name of orders[(round + pair) % 2]!) {
        const { cpuMs, value } = await sides[name].ask("measure")
        samples[name].push({ value, cpuMs })
      }
    }
    return samples
  } finally {
    await Promise.all(started.map(([, side]) => side.stop()))
  }
}

const ratiosOf = (rounds: ReadonlyArray<ComparedRound>, of: keyof Sample): Ratio => {
  const ratios = rounds.map((round) => median(round.new.map((sample, pair) => sample[of] / round.old[pair]![of])))
  return { ...summarise(ratios), interval: medianInterval(ratios) }
}

const medians = (rounds: ReadonlyArray<ComparedRound>, name: Name): Summary =>
  summarise(rounds.map((round) => median(round[name].map(({ value }) => value))))

export const compare = async (it: Case, packages: Packages, options: CompareOptions): Promise<Comparison> => {
  const began = performance.now()
  const [loadBefore] = loadavg()
  const { metrics } = await load(it.benchmark)
  const rounds: Array<ComparedRound> = []
  for (let round = 0; round < options.rounds; round++) {
    options.onRound(round + 1, options.rounds)
    rounds.push(await compareOnce(it, packages, round, options.isTiny))
  }
  return {
    name: it.name,
    title: it.title,
    unit: metrics[it.metric]!.unit,
    old: medians(rounds, "old"),
    new: medians(rounds, "new"),
    ratio: ratiosOf(rounds, "value"),
    cpuRatio: it.isInOtherProcess === true ? null : ratiosOf(rounds, "cpuMs"),
    rounds,
    seconds: (performance.now() - began) / 1_000,
    load: [loadBefore!, loadavg()[0]!]
  }
}
