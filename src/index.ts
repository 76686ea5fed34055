/**
 * effect-converge: an embeddable actor-model runtime for jobs that converge.
 *
 * Every public name is in one of these namespaces. Importing this module loads no HTTP, SQL, cluster or inspector code.
 */
export * as Agent from "./program/Agent.ts"
export * as AgentEffect from "./program/AgentEffect.ts"
export * as Budget from "./job/Budget.ts"
export * as Canonical from "./values/Canonical.ts"
export * as Engine from "./engine/Engine.ts"
export * as Fact from "./program/Fact.ts"
export * as Fold from "./program/Fold.ts"
export * as Intent from "./intents/Intent.ts"
export * as Invariant from "./program/Invariant.ts"
export * as Job from "./job/Job.ts"
export * as JobContext from "./context/JobContext.ts"
export * as JobError from "./outcome/JobError.ts"
export * as JobEvent from "./outcome/JobEvent.ts"
export * as Journal from "./journal/Journal.ts"
export * as JobStore from "./store/index.ts"
export { Limits } from "./Limits.ts"
export * as Program from "./job/Program.ts"
export * as Provenance from "./context/Provenance.ts"
export * as View from "./program/View.ts"
export * as WorkerPool from "./workers/index.ts"
