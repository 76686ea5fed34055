/**
 * What executions said of themselves, by task: traces. Boundary: data.
 */
import { type FactRef } from "../program/Fact.ts"
import { namePart, refKey } from "../program/keys.ts"

/** What a job knew of its agents, up to the version that it ended with. */
export interface Story {
  readonly version: number
  readonly traces: ReadonlyMap<string, unknown> | undefined
  /** The names of the kinds that trigger each agent, by agent: what `causesOf` needs. */
  readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
}

/** Names an execution among the traces of one job. */
export const traceKey = (cycle: number, agent: string, each: FactRef | undefined): string =>
  `${cycle}/${namePart(agent)}${each === undefined ? "" : `/${refKey(each)}`}`
