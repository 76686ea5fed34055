/**
 * The name of a fact's causes. Boundary: a pure function.
 */
import type { Fact } from "../program/Fact.ts"

/** The name of a fact's causes: its reasons, or else the task that added it. All facts of one task share that. */
export const taskKey = ({
  provenance: { agent, because, cycle, each, origin, since, until }
}: Pick<Fact, "provenance">): string =>
  JSON.stringify(because ?? [origin, agent, cycle, each?.kind, each?.id, since, until])
