/** The entry of a fact in its table. Boundary: data. */
import type { Fact } from "../program/Fact.ts"

/** A fact, and what the engine keeps beside it. */
export interface FactEntry {
  readonly fact: Fact
  /** The canonical text of the value. */
  readonly text: string
  readonly position: number
  /** The entry that this one revised. */
  readonly previous: FactEntry | undefined
}
