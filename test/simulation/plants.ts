/**
 * Faults that are planted into the engine, one at a time, to see that the simulator finds them.
 *
 * A fault is a piece of text that replaces another one in a source file, as the file is loaded. So no switch for it is in the
 * code that is shipped. Boundary: data; plant.ts loads it.
 */

/** Changes of one file: each text occurs there once. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Plant {
  readonly name: string
  readonly edits: ReadonlyArray<Edit>
}

const one = (name: string, file: string, find: string, replace: string): Plant => ({
  name,
  edits: [{ file, find, replace }]
})

export const plants: ReadonlyArray<Plant> = [
  {
    name: "outcomes are merged in the order in which tasks ended",
    edits: [
      { file: "src/job/tasks.ts", find: "outcomes[place] = part", replace: "outcomes[ended++] = part" },
      {
        file: "src/job/tasks.ts",
        find: "  const fibers: Array<Task> = []",
        replace: "  let ended = 0\n  const fibers: Array<Task> = []"
      }
    ]
  },
  one(
    "marks advance before the cycle commits",
    "src/job/driver.ts",
    "  underWay.select(selection)",
    "  underWay.select(selection)\n  advance(session.progress, selection, underWay.begin)"
  ),
  one(
    "marks advance beyond what the cycle saw",
    "src/job/driver.ts",
    "advance(session.progress, selection, begin)",
    "advance(session.progress, selection, row.version)"
  ),
  one(
    "marks stop before the signals that the cycle saw",
    "src/job/driver.ts",
    "  underWay.begin = ledger.version\n",
    "  void ledger.version\n"
  ),
  one(
    "a lost acknowledgement is taken for the failure of the job",
    "src/outcome/Cause.ts",
    `cause.reason !== "too-large"`,
    `cause.reason !== "too-large" && cause.reason !== "failed"`
  ),
  one(
    "a pause drops the signals of the cycle that did not begin",
    "src/job/session.ts",
    "    this.mailbox.unshift(...underWay.staged.map(({ signal }) => signal))",
    ""
  ),
  one("a kept result is taken again in a later cycle", "src/job/driver.ts", "  session.kept = undefined\n", ""),
  one(
    "a fence is not checked",
    "src/store/memory.ts",
    "      if (journal.fence !== fence) return refuse(fenced(jobId))\n",
    "      void fenced\n"
  ),
  one(
    "a budget is counted twice",
    "src/cycle/effectApplication.ts",
    "    counters.tokens += this.effect.tokens",
    "    counters.tokens += 2 * this.effect.tokens"
  ),
  one(
    "an answer is admitted before the fixed point",
    "src/intents/outbox.ts",
    "    else this.#overdue++\n    this.#host.wake()",
    "    else this.#overdue++\n    this.#isAdmitting = this.#isAnswered\n    this.#host.wake()"
  ),
  one(
    "a join forgets one of its sides",
    "src/cycle/joining.ts",
    "    if (kind !== right.kind.name) return\n",
    "    if (kind !== right.kind.name || kind !== left.kind.name) return\n"
  ),
  one(
    "a fold forgets that a fact was revised",
    "src/cycle/folding.ts",
    "    const before = countedAt(entry.previous, since)\n    if (before !== undefined) changeOf(before).removed.push(before)\n",
    ""
  ),
  one(
    "a pruned fact stays in a replica",
    "src/workers/replica.ts",
    "    for (const [kind, size, passed] of end.sizes) {",
    "    for (const [kind, size, passed] of end.sizes.slice(0, 0)) {"
  ),
  one(
    "an update of a replica leaves out the first new fact",
    "src/workers/replicaUpdate.ts",
    "ledger.liveAfter(kind, from.version)",
    "ledger.liveAfter(kind, from.version + 1)"
  ),
  one("an attempt is not counted", "src/job/attempts.ts", "while: isWorthAnother", "while: () => false"),
  one(
    "an execution is not counted",
    "src/cycle/merge.ts",
    "    this.#on.counters.agents++\n",
    "    if (merged.cause === undefined) this.#on.counters.agents++\n"
  ),
  one(
    "an agent sees facts that its earlier execution has consumed",
    "src/cycle/eligibility.ts",
    "const view = viewFor(agent, own.mark)",
    "const view = viewFor(agent, Math.max(own.mark - 1, 0))"
  ),
  one(
    "effects after one that crossed a budget are merged",
    "src/cycle/effectApplication.ts",
    "    this.refused = crossed\n",
    "    void crossed\n"
  ),
  one(
    "a discarded effect leaves its facts behind",
    "src/cycle/effectApplication.ts",
    "return ledger.rollback(this.version)",
    "return undefined"
  ),
  one(
    "retention prunes a fact that an agent has not read",
    "src/context/Ledger.ts",
    "      if (entry !== undefined && entry.position > readUpTo) return true\n",
    ""
  ),
  one(
    "a later tier does not wait for an earlier one",
    "src/cycle/eligibility.ts",
    "    if (tierOf[index] !== tier) continue\n",
    "    if (tierOf[index]! < tier) continue\n"
  ),
  one(
    "a pause wins over the failure of a cycle",
    "machines/job.machine.ts",
    `              { guard: "mustFail", target: "#job.failed" },\n`,
    ""
  ),
  one(
    "a throw of accepts is taken for a no",
    "src/cycle/eligibility.ts",
    `        panic = error ?? new Error("accepts threw undefined")`,
    "        continue"
  ),
  one(
    "an intent is performed twice at a time",
    "src/intents/outbox.ts",
    "      this.#idle.delete(open)\n      open.halts = performer",
    "      open.halts = performer"
  ),
  {
    name: "a view sees its own cycle",
    edits: [
      {
        file: "src/job/driver.ts",
        find: "    const merged = merge.merge(outcome, begin)\n",
        replace: "    const merged = merge.merge(runAgain(session, merge.cycle, outcome), begin)\n"
      },
      {
        file: "src/job/driver.ts",
        find: "/** Everything between the end of the tasks and the store, in steps. */\n",
        replace: `
          import { runCpuTask, viewFor as viewOf } from "../workers/runCpuTask.ts"
          import { outcomeOf } from "../workers/inline.ts"
          import { runSteps } from "../values/steps.ts"
          /** A CPU agent executes only when its effect is merged, after those before it. */
          const runAgain = ({ ledger }, cycle, outcome) => {
            const { agent, each, result, since } = outcome
            if ("_tag" in result || agent.type !== "cpu" || agent.fold !== undefined || agent.join !== undefined) return outcome
            const view = viewOf(agent, since, cycle, ledger, { open: true }, undefined)
            const fact = each === undefined ? undefined : ledger.find(each.kind, each.id)
            const ran = runCpuTask(agent, fact, view, ledger)
            return { ...outcome, result: outcomeOf(isUnderWay(ran) ? runSteps(ran) : ran, agent.name, cycle) }
          }
        `
      }
    ]
  },
  one(
    "the spending of a child is counted twice",
    "src/cycle/sharedBudget.ts",
    "spent[name] = (spent[name] ?? 0) + (more[name] ?? 0)",
    "spent[name] = (spent[name] ?? 0) + 2 * (more[name] ?? 0)"
  ),
  one(
    "the share of a child does not come back",
    "src/cycle/sharedBudget.ts",
    "    for (const key of keys) this.#given.delete(key)\n",
    "    void keys\n"
  ),
  {
    name: "a parent that ends leaves its children",
    edits: [
      {
        file: "src/engine/childJobs.ts",
        find: "    return Effect.andThen(nextTurn, ended(cancel(child)))\n",
        replace: "    return Effect.void\n"
      },
      {
        file: "src/job/endStored.ts",
        find: "(isOpen ? end(child.jobId) : Effect.void)",
        replace: "(isOpen ? Effect.void : Effect.void)"
      }
    ]
  },
  one(
    "a child goes on for as many cycles as it likes",
    "src/program/resolveBudget.ts",
    `const most = name === "contextBytes" ? undefined : share[name]`,
    `const most = name === "contextBytes" || name === "cycles" ? undefined : share[name]`
  ),
  one(
    "a payment is counted twice after a kill",
    "src/journal/payments.ts",
    "        if (id !== undefined) open.delete(id)\n",
    ""
  ),
  one(
    "a reservation that a kill left open is forgotten",
    "src/journal/payments.ts",
    "    for (const { agent, cost, tokens } of open.values()) sums.push([agent, tokens, cost])\n",
    ""
  ),
  one(
    "a reservation is granted beside those that are open",
    "src/job/account.ts",
    "    this.#reserved.cost += asked.cost\n",
    ""
  ),
  {
    name: "a task starts after a reservation was refused",
    edits: [
      {
        file: "src/job/fiberTasks.ts",
        find: "    if (this.session.account?.exhausted !== undefined) return notStartedExit\n",
        replace: ""
      },
      {
        file: "src/job/fiberTasks.ts",
        find: "    if (this.session.account?.exhausted !== undefined) this.group.cut(notStartedExit)\n",
        replace: ""
      }
    ]
  },
  one(
    "a fork keeps the facts that it was to replace",
    "src/cycle/effectApplication.ts",
    `const rule = this.isForced ? "keepLast" : fact.kind.conflict`,
    `const rule = this.isForced ? "keepFirst" : fact.kind.conflict`
  ),
  one("the agents of a fork read everything anew", "src/engine/forking.ts", "  setMarks(replay, replay.ledger)\n", ""),
  one(
    "an agent that runs once does not run in a job on an earlier context",
    "src/engine/genesis.ts",
    "progress.executed = executed.includes(name)",
    "progress.executed = true"
  ),
  one(
    "another version of a program uses the effects that an earlier one has kept",
    "src/engine/takeUp.ts",
    "rebase?.isOfOther === true ? undefined : savedEffects(saved, replay)",
    "savedEffects(saved, replay)"
  ),
  one(
    "the effects that an earlier version has kept stay in the store",
    "src/store/memory.ts",
    "        if (keptKeys !== undefined) journal.kept = journal.kept.filter(({ key }) => keptKeys.includes(key))\n",
    "        void keptKeys\n"
  ),
  one(
    "agents of another version read everything anew",
    "src/journal/migrate.ts",
    "    setMarks(replay, ledger)\n",
    "    replay.marks.clear()\n"
  ),
  one(
    "a decision counts after the time of its approval",
    "src/intents/outbox.ts",
    "    if (approval?.timeoutMs === undefined || atMs <= at + approval.timeoutMs) return undefined\n",
    "    if (approval?.timeoutMs === undefined || atMs > 0) return undefined\n"
  ),
  one(
    "the time of an approval is over too early",
    "src/intents/outbox.ts",
    "const remainingMs = Math.max(timeoutMs - passedMs, 0)",
    "const remainingMs = Math.max(timeoutMs / 2 - passedMs, 0)"
  ),
  one("the clock of a job runs on in a pause", "src/job/driver.ts", "  session.clock.stop(session.monotonicMs)\n", ""),
  one(
    "a gap counts from a permit that finds no place",
    "src/job/fiberGroup.ts",
    "    if (taken >= this.#group.concurrency) {",
    "    if (taken < 0) {"
  )
]
