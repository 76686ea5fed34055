/**
 * The facts that are gone from a context, and that its folds still count.
 *
 * A fold takes a fact out of its group in the cycle after the one that revised or pruned it. A migration in between has to bring
 * such facts along: as facts that retention has pruned, since the fold then finds them.
 *
 * Invariant: the prunings are in an order in which each fold has taken note of a first part of them. Boundary: the pure core.
 */
import type { Ledger } from "../context/Ledger.ts"
import type { CompiledProgram } from "../program/erased.ts"
import { refKey } from "../program/keys.ts"

/** How far agents have read, by name: facts up to a position, and prunings up to a number. */
export interface AgentMarks {
  readonly marks: ReadonlyMap<string, number>
  readonly prunedMarks: ReadonlyMap<string, number>
}

/** A fact that is gone, by its position, and the version at which it went. */
interface Gone {
  readonly position: number
  readonly at: number
  /** Whether a fold has taken note of it. */
  readonly isNotedBy: (fold: FoldMark) => boolean
}

interface FoldMark {
  readonly name: string
  readonly mark: number
  readonly pruned: number
}

/** The facts that are gone and still counted by a fold of the program, in the order in which they went. */
export class Uncounted {
  readonly #folds: ReadonlyArray<FoldMark>
  readonly #gone = new Map<number, Gone>()

  constructor({ agents }: CompiledProgram, ledger: Ledger, { marks, prunedMarks }: AgentMarks) {
    this.#folds = agents.flatMap(({ fold, name }) => {
      const mark = marks.get(name) ?? 0
      return fold === undefined || mark === 0 ? [] : [{ name, mark, pruned: prunedMarks.get(name) ?? 0 }]
    })
    if (this.#folds.length === 0) return
    const found: Array<Gone> = []
    const pruned = new Set<number>()
    let number = 0
    for (const { at, entry } of ledger.pruningsAfter(0)) {
      const place = number++
      pruned.add(entry.position)
      this.#find(found, { position: entry.position, at, isNotedBy: (fold) => place < fold.pruned })
    }
    const latest = new Map<string, number>()
    for (const { fact } of ledger.history()) {
      const { version } = fact.provenance
      const key = refKey(fact)
      const before = latest.get(key)
      latest.set(key, version)
      if (before === undefined || pruned.has(before)) continue
      this.#find(found, { position: before, at: version - 1, isNotedBy: ({ mark }) => version <= mark })
    }
    // The sort is stable: of one version, prunings come first, which a fold may have noted.
    for (const gone of found.sort((a, b) => a.at - b.at)) this.#gone.set(gone.position, gone)
  }

  #find(found: Array<Gone>, gone: Gone): void {
    if (this.#folds.some((fold) => gone.position <= fold.mark && !gone.isNotedBy(fold))) found.push(gone)
  }

  /** Whether the fact of a position is one of them. */
  has(position: number): boolean {
    return this.#gone.has(position)
  }

  /** The prunings of a context that has the facts of `positions` of them, and the number that each fold has taken note of. */
  pruningsOf(positions: ReadonlySet<number>): {
    readonly prunings: ReadonlyArray<readonly [position: number, at: number]>
    readonly prunedMarks: ReadonlyMap<string, number>
  } {
    const brought = [...this.#gone.values()].filter(({ position }) => positions.has(position))
    const noted = this.#folds.map(
      (fold) => [fold.name, brought.filter(({ isNotedBy }) => isNotedBy(fold)).length] as const
    )
    return {
      prunings: brought.map(({ at, position }) => [position, at]),
      prunedMarks: new Map(noted.filter(([, count]) => count > 0))
    }
  }
}
