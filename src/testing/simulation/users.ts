/**
 * A program of a user in a simulated world: its agents and handlers as executions of the world, and the faults of handlers.
 *
 * Boundary: wraps agents and handlers; runs nothing.
 */
import * as Effect from "effect/Effect"
import type * as Context from "effect/Context"
import type * as Layer from "effect/Layer"
import { compiledHandler, type Handler, type HandledIntent } from "../../intents/IntentHandler.ts"
import type { OpenApproval } from "../../job/Job.ts"
import type { Budget } from "../../program/Budget.ts"
import type { EncodedFact } from "../../program/encoded.ts"
import type { ErasedAgent } from "../../program/erased.ts"
import type { FactRef } from "../../program/Fact.ts"
import type { Program } from "../../program/Program.ts"
import { withAgents } from "../shuffle.ts"
import type { Owner } from "./Execution.ts"
import type { HandlerFault, UserSchedule } from "./schedule.ts"
import type { World } from "./World.ts"

/** All that a user gives besides the program. */
export interface UserJob {
  readonly children: ReadonlyArray<Program.Any>
  readonly budget: Budget | undefined
  /** The services of the caller. */
  readonly services: Context.Context<never>
  /** Built anew in each life of the process. */
  readonly layer: Layer.Layer<never, unknown> | undefined
  /** The facts that arrive as signals. */
  readonly signals: ReadonlyArray<EncodedFact>
  /** Decides an approval; undefined: nobody does. */
  readonly decide: (approval: OpenApproval) => boolean | undefined
}

const onFact = (each: FactRef | undefined): string => (each === undefined ? "" : ` on ${each.kind}/${each.id}`)

const agentOwner = (agent: string, each: FactRef | undefined): Owner => ({
  label: `agent ${JSON.stringify(agent)}${onFact(each)}`,
  agent
})

const handlerOwner = ({ agent, kind }: HandledIntent): Owner => ({
  label: `the handler of ${JSON.stringify(kind)}, for an intent of agent ${JSON.stringify(agent)},`,
  agent
})

/** The owner of the services that a layer builds. */
export const layerOwner: Owner = { label: "the layer", agent: "" }

const executed = (agent: ErasedAgent, world: World): ErasedAgent => {
  const { executeFiber } = agent
  if (executeFiber === undefined) return agent
  return {
    ...agent,
    executeFiber: (fact, view) => {
      const owner = agentOwner(agent.name, fact)
      const effect = world.call(owner, () => executeFiber(fact, view))
      // The engine says what is wrong with a value that is no effect.
      return Effect.isEffect(effect) ? world.execute(owner, effect) : effect
    }
  }
}

/** The program, whose agents are executions of the world. */
export const programIn = (world: World, program: Program.Any): Program.Any =>
  withAgents(program, (agent) => executed(agent, world))

/** The calls of handlers that meet a fault, and the most virtual milliseconds by which an answer is late. */
interface HandlerPlan {
  readonly calls: UserSchedule["handlers"]
  readonly lateMs: number
}

/** The handlers of all lives, and the faults that their calls meet. */
export class SimulatedHandlers {
  /** The number of calls so far. */
  calls = 0
  /** The faults that calls have met. */
  readonly met: Array<HandlerFault> = []
  readonly #world: World
  readonly #plan: HandlerPlan
  readonly #die: () => void

  /** `die` ends the process before its next step. */
  constructor(world: World, plan: HandlerPlan, die: () => void) {
    this.#world = world
    this.#plan = plan
    this.#die = die
  }

  in(handler: Handler<never>): Handler<never> {
    const { perform, timeoutMs } = compiledHandler(handler)
    const once = (intent: HandledIntent): Effect.Effect<unknown, unknown, unknown> =>
      Effect.suspend(() => {
        const owner = handlerOwner(intent)
        const effect = this.#world.call(owner, () => perform(intent))
        return Effect.isEffect(effect) ? this.#world.execute(owner, effect) : effect
      })
    const faulty = (intent: HandledIntent): Effect.Effect<unknown, unknown, unknown> =>
      Effect.suspend(() => {
        const call = ++this.calls
        const fault = this.#plan.calls.find((planned) => planned.call === call)?.fault
        if (fault === undefined) return once(intent)
        this.met.push(fault)
        switch (fault) {
          case "delayed":
            // Within the handler's own time, or it would count as a failure.
            return Effect.tap(once(intent), () => Effect.sleep(this.#lateMs(timeoutMs)))
          case "twice":
            return Effect.andThen(once(intent), once(intent))
          case "unanswered":
            return Effect.andThen(
              Effect.tap(once(intent), () => Effect.sync(this.#die)),
              Effect.never
            )
        }
      })
    return Object.freeze({ ...handler, perform: faulty })
  }

  #lateMs(timeoutMs: number | undefined): number {
    return 1 + this.#world.below(Math.max(Math.min(Math.floor((timeoutMs ?? Infinity) / 4), this.#plan.lateMs), 1))
  }
}
