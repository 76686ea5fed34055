/**
 * The pure core alone: a job as the engine runs it, phase by phase, with neither Effect nor machine nor events around it.
 *
 * A generator yields the tasks of each cycle and receives their results, so that plain calls and Effect can drive the same
 * loop: the difference is the cost of Effect. Boundary: only src's pure core; a job that only has fiber
 * agents.
 */
import type { JobMachineEvent } from "../../../machines/job.machine.ts"
import type { Budget } from "../../../src/program/Budget.ts"
import type { Selection } from "../../../src/cycle/eligibility.ts"
import type { Fact, Kind } from "../../../src/program/Fact.ts"
import type { JobContext } from "../../../src/context/JobContext.ts"
import type { Program as AnyProgram } from "../../../src/program/Program.ts"
import type { View } from "../../../src/program/View.ts"
import { internal } from "../converge.ts"
import type { TaskOutcome } from "../../../src/outcome/CommittedCycle.ts"
import type { ErasedAgent } from "../../../src/program/erased.ts"

/** One execution of an agent. */
export interface CoreTask {
  readonly agent: ErasedAgent
  readonly fact: Fact | undefined
  readonly view: View<Kind.Any>
}

/** How a job ended, as all contenders of benchmark rust report it. */
export interface Ended {
  readonly status: string
  readonly cycles: number
  readonly facts: number
}

/** Loads the modules of the core once. Returns a function that runs a job. */
export const loadCore = async () => {
  const [
    budgets,
    limits,
    contexts,
    convergence,
    definitions,
    effects,
    eligibility,
    journal,
    merges,
    hashes,
    stepping,
    views
  ] = await Promise.all([
    internal.budget(),
    internal.limits(),
    internal.context(),
    internal.convergence(),
    internal.definitions(),
    internal.effects(),
    internal.eligibility(),
    internal.journal(),
    internal.merge(),
    internal.sha256(),
    internal.steps(),
    internal.view()
  ])
  const { encodeEffect, encodeFacts } = effects
  const { isUnderWay, runSteps } = stepping

  return function* (
    program: AnyProgram.Any,
    input: unknown,
    options: { readonly budget?: Budget | undefined; readonly context?: JobContext | undefined },
    /** Is told of every phase that is done, as the engine's driver tells the machine. */
    report: (event: JobMachineEvent) => void = () => undefined
  ): Generator<ReadonlyArray<CoreTask>, Ended, ReadonlyArray<unknown>> {
    const compiled = definitions.compiledOf(program)
    const budget = budgets.resolveBudget(compiled.name, compiled.budget, options.budget)
    const own = limits.ownLimits(budget)
    const encoded = compiled.inputCodec.encode(input)
    const seeds = runSteps(
      encodeFacts(compiled.seed(encoded.value) as ReadonlyArray<unknown>, (name) => compiled.kinds.get(name))
    )
    const ledger = contexts.Ledger.make(compiled.name, compiled.triggers, options.context)
    const counters = { facts: 0, agents: 0, tokens: 0 }
    const progress = compiled.agents.map(() => ({ mark: 0, executed: false, pruned: 0, memory: undefined }))
    const candidates = new eligibility.Candidates(compiled)

    const planting = new merges.CycleMerge(0, compiled, ledger, own, counters)
    runSteps(planting.stage({ facts: seeds, intents: [], evaluations: [], trace: undefined, tokens: 0 }, "seed"))
    runSteps(planting.finish(0, []))
    const genesis = runSteps(journal.genesisText(compiled.name, encoded.text, seeds, options.context?.hash))
    ledger.setHash(runSteps(hashes.sha256Pieces("", genesis)))
    runSteps(planting.commit())

    for (let cycle = 1; ; cycle++) {
      const gate = { open: true }
      const viewFor = (agent: ErasedAgent, since: number) =>
        new views.ContextView({
          ledger,
          visible: agent.visibleNames,
          since,
          cycle,
          gate,
          holder: agent.label,
          onProgress: undefined
        })
      const selection: Selection = runSteps(eligibility.select(compiled, progress, ledger, viewFor, candidates))
      const names = selection.agents.map(({ agent }) => agent.name)
      const isOver = selection.tasks > 0 && cycle > budget.cycles
      const { tasks: count, tier } = selection
      const halt = isOver ? ({ status: "budget-exhausted", error: "BudgetExhausted" } as const) : null
      report({ type: "SELECTED", cycle, tier, agents: names, tasks: count, signals: 0, halt })
      if (isOver) {
        report({ type: "CHECKED", mailbox: 0, intents: 0, halt: null })
        return { status: "budget-exhausted", cycles: cycle - 1, facts: counters.facts }
      }
      if (count === 0) {
        const { _tag } = convergence.judge(compiled, ledger, cycle)
        ledger.seal()
        const status = _tag === "Converged" ? "converged" : "failed"
        report({ type: "CHECKED", mailbox: 0, intents: 0, halt: { status, error: null } })
        return { status, cycles: cycle, facts: counters.facts }
      }
      const begin = ledger.version
      const tasks: Array<CoreTask & { readonly since: number }> = []
      for (const { agent, each, since, view } of selection.agents) {
        if (each === undefined) tasks.push({ agent, fact: undefined, view, since })
        else for (const fact of each) tasks.push({ agent, fact, view, since })
      }
      const outputs = yield tasks
      report({ type: "EXECUTED" })
      gate.open = false
      const merge = new merges.CycleMerge(cycle, compiled, ledger, own, counters)
      for (let place = 0; place < tasks.length; place++) {
        const { agent, fact, since } = tasks[place]!
        const encoded = encodeEffect(agent, outputs[place], ledger)
        const effect = isUnderWay(encoded) ? runSteps(encoded) : encoded
        if ("_tag" in effect) throw new Error(`${agent.name}: ${effect.message}`)
        const outcome: TaskOutcome = {
          agent,
          each: fact === undefined ? undefined : { kind: fact.kind, id: fact.id },
          since,
          cpuMs: 0,
          result: effect
        }
        const merged = merge.merge(outcome, begin)
        if (isUnderWay(merged)) runSteps(merged)
      }
      const row = runSteps(merge.finish(selection.tier, names))
      const text = journal.rowText(row)
      const pieces = isUnderWay(text) ? runSteps(text) : text
      ledger.setHash(runSteps(hashes.sha256Pieces(`${ledger.hash}\n`, pieces)))
      runSteps(merge.commit())
      eligibility.advance(progress, selection, begin)
      report({ type: "MERGED", version: ledger.version, hash: ledger.hash, halt: null })
      report({ type: "CHECKED", mailbox: 0, intents: 0, halt: null })
      if (merge.halt !== undefined) return { status: "failed", cycles: cycle, facts: counters.facts }
    }
  }
}
