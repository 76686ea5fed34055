/**
 * The answer to the question that one came with: why the job failed, why it does not end, what it waits for, why it is slow.
 *
 * The sentence comes from the server, which reads the job's events; the parts below it show what the sentence rests on.
 */
import { useSignal } from "@preact/signals"
import { waitReasons } from "../../outcome/presentLine.ts"
import { type ErrorJson, isReached, type Job } from "./api.ts"
import { approvals } from "./approvals.ts"
import { now as clock } from "./browser.ts"
import { children } from "./family.ts"
import { Decided } from "./Decided.tsx"
import { ago, brief, number, plural, span, time } from "./format.ts"
import { at, isOver, job, tasks } from "./jobStore.ts"
import { JobLink } from "./Family.tsx"
import { FactLink } from "./links.tsx"
import { Line, messageOf, Panel, Said, visible } from "./parts.tsx"
import { isPastAsked, shownDiagnosis, shownState, since } from "./past.ts"
import { recorded } from "./recorded.ts"
import { hrefOf, route } from "./route.ts"
import type { Diagnosis, FactRef, TasksNow } from "./shapes.ts"
import { Sides } from "./Sides.tsx"
import { Stack } from "./Stack.tsx"
import { Value } from "./ValueView.tsx"
import { ViolationFacts } from "./Violation.tsx"

/** Tuning: a task that runs for so long is named as slow. */
const slowMs = 2_000

/** Tuning: characters of the sentence on top. What it rests on, such as a long message, is below it. */
const longHeadline = 500

const textIn = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** The fact on which two effects disagree. */
const clashed = ({ _tag, id, kind }: ErrorJson): FactRef | undefined =>
  _tag === "MergeConflict" && typeof kind === "string" && typeof id === "string" ? { kind, id } : undefined

/** Parts of an error that have a row of their own. */
const told = new Set(["_tag", "cause", "message", "name", "stack"])

/** The parts of the error of a task that no other row shows. Undefined if there are none. */
const restOf = (inner: object): object | undefined => {
  const rest = Object.entries(inner).filter(([name]) => !told.has(name))
  return rest.length === 0 ? undefined : Object.fromEntries(rest)
}

/** The tag of the error of a task, where it has one. */
const tagIn = (inner: unknown): string | undefined =>
  typeof inner === "object" && inner !== null && "_tag" in inner ? textIn(inner._tag) : undefined

/** The child job that ended the job by its failure, or another intent that did. */
const Asked = ({ error, found: { child } }: { readonly error: ErrorJson; readonly found: Diagnosis }) => {
  const { _tag, key, kind } = error
  if (_tag !== "IntentFailed") return null
  if (child !== undefined) {
    return (
      <Line name="child job">
        <JobLink id={child} />
      </Line>
    )
  }
  return (
    <Line name="intent">
      <Said text={textIn(kind) ?? ""} limit={80} /> <Said text={textIn(key) ?? ""} limit={200} />
    </Line>
  )
}

/** Errors that code throws. They had a stack where they were thrown. */
const thrown = new Set(["AgentFailed", "AgentPanicked", "ProgramPanicked"])

/** The stack of an error, or where it is. */
const StackOf = ({ error, stack }: { readonly error: ErrorJson; readonly stack: string | null }) => {
  if (stack === null && (!thrown.has(error._tag) || at.value !== undefined)) return null
  return (
    <Line name="stack">
      {stack === null ? (
        <span class="soft">
          Not here. Only the server that ran the job can have it, for those who may steer the job.
        </span>
      ) : (
        <Stack text={stack} />
      )}
    </Line>
  )
}

const HowOften = ({ failure: { count, first, last } }: { readonly failure: NonNullable<Diagnosis["failure"]> }) => (
  <Line name="how often">
    {plural(count, "time")},{" "}
    {first === last ? `in cycle ${number(last)}` : `from cycle ${number(first)} to ${number(last)}`}
  </Line>
)

const Failure = ({ found }: { readonly found: Diagnosis }) => {
  // A past cycle knows no end, unless the job ended there.
  const error = (at.value === undefined ? job.value?.result?.error : undefined) ?? found.error
  const { failure, stack } = found
  if (error === null || error === undefined) return null
  const { _tag, agent, cause, cycle, error: inner } = error
  const isNested = typeof inner === "object" && inner !== null
  const clash = clashed(error)
  const reason = isNested && "cause" in inner ? inner.cause : isNested ? undefined : cause
  const message = messageOf(error)
  const tag = tagIn(inner)
  const rest = isNested ? restOf(inner) : undefined
  return (
    <dl class="lines short">
      <Line name="error">
        <code>
          <Said text={_tag} limit={120} />
        </code>
        {tag === undefined ? null : (
          <>
            : <Said text={tag} limit={120} />
          </>
        )}
      </Line>
      {textIn(agent) === undefined ? null : (
        <Line name={_tag === "IntentFailed" ? "asked for by" : "agent"}>
          <Said text={textIn(agent) ?? ""} />
        </Line>
      )}
      <Asked error={error} found={found} />
      {clash === undefined ? null : (
        <Line name="fact">
          <FactLink fact={clash} />
        </Line>
      )}
      {failure === null || failure.each === null ? null : (
        <Line name={clash === undefined ? "fact" : "its task was about"}>
          <FactLink fact={failure.each} />
        </Line>
      )}
      {typeof cycle === "number" ? <Line name="cycle">{number(cycle)}</Line> : null}
      {message === "" || found.headline.slice(0, longHeadline).includes(message) ? null : (
        <Line name="message">
          <Said text={message} limit={2_000} hasLines />
        </Line>
      )}
      {failure !== null && failure.count > 1 ? <HowOften failure={failure} /> : null}
      {_tag === "MergeConflict" ? (
        <Line name="both sides">
          <Sides error={error} />
        </Line>
      ) : null}
      {reason === undefined ? null : (
        <Line name="cause">
          <Value value={reason} />
        </Line>
      )}
      {rest === undefined ? null : (
        <Line name="more of it">
          <Value value={rest} />
        </Line>
      )}
      <StackOf error={error} stack={stack} />
    </dl>
  )
}

const Changing = ({ found }: { readonly found: Diagnosis }) => (
  <div class="changing">
    <h3>
      Facts that change again and again{" "}
      <small>
        {found.cycles.from === found.cycles.to
          ? `in cycle ${number(found.cycles.to)}`
          : `in cycles ${number(found.cycles.from)} to ${number(found.cycles.to)}`}
      </small>
    </h3>
    <ul>
      {found.changing.slice(0, 5).map(({ agents, id, kind, times, values }) => (
        <li key={`${kind}/${id}`}>
          <p>
            <FactLink fact={{ kind, id }} /> <b>{plural(times, "time")}</b>
            {" by "}
            {agents.map((agent, index) => (
              <span key={agent}>
                {index === 0 ? "" : " and "}
                <b>
                  <Said text={agent === "" ? "a signal" : agent} />
                </b>
              </span>
            ))}
          </p>
          <ol class="values">
            {values.map(({ agent, cycle, value }) => (
              <li key={cycle}>
                <small>
                  cycle {number(cycle)} · <Said text={agent === "" ? "signal" : agent} limit={60} />
                </small>
                <Value value={value} isOnLine />
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ul>
  </div>
)

/** A small picture of numbers over cycles. */
const Spark = ({ numbers, label }: { readonly numbers: ReadonlyArray<number>; readonly label: string }) => {
  const most = Math.max(1, ...numbers)
  const width = 4
  return (
    <svg class="spark" width={numbers.length * width} height="24" role="img" aria-label={label}>
      {numbers.map((count, index) => (
        <rect
          key={index}
          x={index * width}
          width={width - 1}
          y={24 - (count / most) * 24}
          height={(count / most) * 24}
        />
      ))}
    </svg>
  )
}

const Growth = ({ found }: { readonly found: Diagnosis }) => (
  <div class="growth">
    <h3>
      Facts added or changed <small>in the last {plural(found.cycles.to - found.cycles.from + 1, "cycle")}</small>
    </h3>
    <ul>
      {found.growth.slice(0, 6).map(({ facts, kind, perCycle }) => (
        <li key={kind}>
          <span>
            <Said text={kind} />
          </span>
          <Spark numbers={perCycle} label={`${visible(kind, 60)}: ${perCycle.join(", ")}`} />
          <b>{number(facts)}</b>
        </li>
      ))}
    </ul>
  </div>
)

const Failures = ({ found }: { readonly found: Diagnosis }) => {
  const isOpen = useSignal(false)
  const list = isOpen.value ? found.failures : found.failures.slice(0, 3)
  const count = found.failures.reduce((sum, failure) => sum + failure.count, found.otherFailures)
  return (
    <div class="failures">
      <h3>
        Tasks that failed <small>{number(count)}</small>
      </h3>
      <table>
        <thead>
          <tr>
            <th>agent</th>
            <th>error</th>
            <th>last about</th>
            <th class="num">times</th>
          </tr>
        </thead>
        <tbody>
          {list.map(({ _tag, agent, count: times, each, message }) => (
            <tr key={`${agent} ${_tag} ${message}`}>
              <td>
                <Said text={agent} limit={80} />
              </td>
              <td>
                <code>
                  <Said text={_tag} limit={120} />
                </code>{" "}
                <Said text={message} limit={300} hasLines />
              </td>
              <td>{each === null ? "" : <FactLink fact={each} />}</td>
              <td class="num">{number(times)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.failures.length > 3 ? (
        <button type="button" class="quiet" aria-expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.value)}>
          {isOpen.value ? "Show fewer" : `Show all ${number(found.failures.length)}`}
        </button>
      ) : null}
    </div>
  )
}

/** Since when the job is where it is: when it was queued, began to run, came to rest or ended. */
const Standing = () => {
  const { value } = job
  if (value === undefined) return null
  const since = isOver.value ? value.haltedAt : (tasks.value?.since ?? null)
  if (since === null) return null
  const state = value.state === "budget-exhausted" ? "exhausted" : value.state
  return (
    <p class="soft">
      {state} {isOver.value ? "on" : "since"} {time(since)}, {ago(since, clock.value)}
    </p>
  )
}

/** The tasks that wait, by agent and by what they wait for. Only some of them may be named. */
const Waits = ({ now: { waiting, waits } }: { readonly now: TasksNow }) => {
  const groups = new Map<string, { readonly agent: string; readonly why: string; count: number }>()
  for (const { agent, for: reason } of waiting) {
    const key = JSON.stringify([agent, reason])
    const group = groups.get(key) ?? { agent, why: waitReasons[reason], count: 0 }
    groups.set(key, group)
    group.count++
  }
  if (groups.size === 0) return null
  return (
    <ul class="tasks" aria-label="Tasks that wait">
      {[...groups].slice(0, 8).map(([key, { agent, count, why }]) => (
        <li key={key}>
          <span class="lane">waits</span>
          <Said text={agent} limit={80} />
          <span>
            {plural(count, "task")}
            {waits > waiting.length ? " or more" : ""} for {why}
          </span>
        </li>
      ))}
    </ul>
  )
}

const busyLine = ({ busy, size }: TasksNow["pool"]): string =>
  `${number(busy)} of ${plural(size, "worker")} ${busy === 1 ? "is" : "are"} busy`

const Now = ({ now }: { readonly now: TasksNow }) => {
  const { cycle, pool, running, tasks: count, waits } = now
  const slowest = running[0]
  const idle = Math.max(0, pool.size - pool.busy)
  return (
    <div class="present">
      <h3>
        At this moment{" "}
        <small>
          cycle {number(cycle)}, {plural(count, "task")}
        </small>
      </h3>
      {slowest !== undefined && slowest.ms >= slowMs && running.length === 1 && waits + pool.waiting === 0 ? (
        <p class="slow">The cycle waits for this task alone.</p>
      ) : null}
      <ul class="tasks">
        {running.slice(0, 8).map((task, index) => (
          <li key={index}>
            <span class="lane">{task.worker === 0 ? "main" : `worker ${task.worker}`}</span>
            <Said text={task.agent} limit={80} />
            {task.each === null ? null : <FactLink fact={task.each} />}
            {task.attempt > 1 ? <small>attempt {task.attempt}</small> : null}
            <b class={task.ms >= slowMs ? "num warnText" : "num"}>{span(task.ms)}</b>
          </li>
        ))}
      </ul>
      <Waits now={now} />
      <p class="soft">
        {plural(running.length, "task")} {running.length === 1 ? "runs" : "run"}
        {waits > 0 ? `, ${number(waits)} wait${waits === 1 ? "s" : ""}` : ""}
        {pool.size > 0 ? `; ${busyLine(pool)}${idle > 0 ? `, ${idle} idle` : ""}` : ""}
        {pool.waiting > 0
          ? `, ${plural(pool.waiting, "CPU task")} of all jobs ${pool.waiting === 1 ? "waits" : "wait"} for ${pool.size === 1 ? "it" : "one"}`
          : ""}
        .
      </p>
    </div>
  )
}

const toneOf = (): "bad" | "warn" | "good" | "live" => {
  switch (shownState.value) {
    case "failed":
    case "quarantined":
      return "bad"
    case "budget-exhausted":
    case "awaiting":
    case "cancelled":
      return "warn"
    case "converged":
      return (shownDiagnosis.value?.failures.length ?? 0) > 0 ? "warn" : "good"
    default:
      return "live"
  }
}

/** The child jobs that a job waits for, the first of them by its id. */
const waitedFor = (id: string): string | undefined => {
  const { value } = children
  const open = value?.of === id ? value.jobs.filter(({ haltedAt }) => haltedAt === null) : []
  const first = open.find(({ state }) => state === "awaiting" || state === "quarantined") ?? open[0]
  if (first === undefined) return undefined
  const which = `${first.jobId}, which is ${first.state}`
  return open.length === 1
    ? `It waits for its child job ${which}.`
    : `It waits for ${plural(open.length, "child job")}, such as ${which}.`
}

/** Why a job that does not run stands still. */
const stillOf = (): string | undefined => {
  const { value } = job
  const question = approvals.value.find(({ jobId }) => jobId === value?.jobId)
  switch (value?.state) {
    case "awaiting":
      if (question === undefined) return waitedFor(value.jobId) ?? "It waits for the answers to its intents."
      return `It waits for an answer: ${question.question ?? question.id}`
    case "queued":
      return "It waits for a place to run."
    case "paused":
      return `It is paused after cycle ${value.cycle}.`
    case "suspended":
      return recorded === undefined
        ? "It has not ended, and this server does not run it."
        : "It has not ended, and nothing ran it when it was recorded."
    case "quarantined":
      return "It has not ended. No server runs it until somebody resumes it."
    default:
      return undefined
  }
}

/** A job that lives is slow if a task has run for long: then that is the answer. */
const headlineOf = (found: Diagnosis, now: TasksNow | undefined): string => {
  const slowest = now?.running[0]
  if (found.status !== null) return found.headline
  const still = stillOf()
  if (still !== undefined) return still
  if (slowest === undefined || slowest.ms < slowMs) {
    return found.headline.replace(/^It has not ended\./, `It runs, in cycle ${job.value?.cycle ?? 0}.`)
  }
  const about = slowest.each === null ? "" : ` on ${slowest.each.kind}/${slowest.each.id}`
  const where = slowest.worker === 0 ? "" : ` on worker ${slowest.worker}`
  return `It waits for ${JSON.stringify(slowest.agent)}${about}, which has run for ${span(slowest.ms)}${where}.`
}

/** The differences between then and now. */
const Changed = () => {
  const { value: changes } = since
  const cycle = at.value
  const { value } = route
  if (cycle === undefined || value.page !== "job") return null
  const last = job.value?.cycle ?? cycle
  if (last <= cycle) return <p class="soft">This is the last cycle so far.</p>
  if (changes === undefined) return <p class="soft">Comparing with cycle {number(last)}…</p>
  const { added, removed, revised } = changes.counts
  const isSame = added + removed + revised === 0
  return (
    <p>
      Since then: {plural(changes.to - cycle, "cycle")},{" "}
      {isSame
        ? "and no fact has changed"
        : `${plural(added, "fact")} added, ${number(revised)} changed, ${number(removed)} removed`}
      {isOver.value && changes.to === last ? "" : `, up to cycle ${number(changes.to)}`}.{" "}
      {isSame ? null : (
        <a href={hrefOf({ ...value, view: "facts", query: { from: String(cycle) } })}>The changes since then</a>
      )}
    </p>
  )
}

const Violated = ({ list }: { readonly list: Diagnosis["violated"] }) =>
  list.length === 0 ? null : (
    <ul class="violated">
      {list.map(({ name, reason }) => (
        <li key={name}>
          Invariant{" "}
          <b>
            <Said text={name} />
          </b>{" "}
          does not hold: <Said text={reason} limit={1_000} hasLines />
        </li>
      ))}
    </ul>
  )

/** The beginning of what a job gave, with the way to the whole. */
const Outcome = () => {
  const { value } = route
  const output = job.value?.result?.output ?? null
  if (output === null || value.page !== "job") return null
  return (
    <p class="outcome">
      <a href={hrefOf({ ...value, view: "output", query: {} })}>Output</a>
      <code>
        <Said text={brief(output, 300)} limit={301} />
      </code>
    </p>
  )
}

/** Whether tasks failed otherwise than with the error that ended the job, which is shown by itself. */
const hasFailures = ({ error, failure, failures }: Diagnosis): boolean => {
  const isOwn = error !== null && error._tag !== "IntentFailed" && failure !== null
  return failures.length > (isOwn ? 1 : 0)
}

/** The end of a job as the store has it, in a sentence. A long journal is still being read for the rest. */
const endLine = ({ cycle, error, state }: Job): string => {
  const place = `cycle ${number(cycle)}`
  switch (state) {
    case "converged":
      return `It converged after ${place}.`
    case "cancelled":
      return `It was cancelled in ${place}.`
    case "budget-exhausted":
      return `It used up a budget in ${place}.`
    default:
      return `It failed in ${place}${error === null ? "" : `: ${error}`}.`
  }
}

const EarlyAnswer = ({ of }: { readonly of: Job }) => (
  <Panel title="What happened" tone={toneOf()}>
    <p class="headline" role="status">
      {endLine(of)}
    </p>
    <Standing />
    <p class="soft">
      {isReached.value
        ? "The server reads the journal of the job for the rest."
        : "The server has gone before it told the rest."}
    </p>
  </Panel>
)

const AskedAnswer = () => (
  <Panel title={`At cycle ${number(at.value ?? 0)}`}>
    <p class="headline soft">Loading…</p>
  </Panel>
)

/** The story of the job up to the cycle that the page shows. */
export const Answer = () => {
  const { value: found } = shownDiagnosis
  const isPast = at.value !== undefined
  const now = isPast ? undefined : tasks.value
  const reason = isPast ? undefined : job.value?.quarantine
  if (found === undefined) {
    if (isPastAsked.value) return <AskedAnswer />
    return isPast || job.value === undefined || !isOver.value ? null : <EarlyAnswer of={job.value} />
  }
  // The facts that change, and grow, say more of such an end than its error does.
  const isOfBudget = found.error?._tag === "BudgetExhausted"
  const isEnd = isPast ? found.status !== null : isOver.value
  const title = isPast ? `At cycle ${number(at.value ?? 0)}` : isOver.value ? "What happened" : "Where it stands"
  return (
    <Panel title={title} tone={toneOf()}>
      <p class="headline" role="status">
        <Said text={isPast ? found.headline : headlineOf(found, now)} limit={longHeadline} hasLines />
      </p>
      {isPast ? <Changed /> : <Standing />}
      {isPast ? null : <Outcome />}
      {reason === undefined ? null : (
        <p>
          It is quarantined: <Said text={reason} limit={2_000} hasLines />
        </p>
      )}
      {isOfBudget ? null : <Failure found={found} />}
      {now !== undefined && !isOver.value && now.tasks > 0 ? <Now now={now} /> : null}
      {found.changing.length > 0 ? <Changing found={found} /> : null}
      {found.cycles.to - found.cycles.from >= 2 &&
      found.growth.length > 0 &&
      !(isEnd && shownState.value === "converged") ? (
        <Growth found={found} />
      ) : null}
      {isOfBudget ? <Failure found={found} /> : null}
      {hasFailures(found) ? <Failures found={found} /> : null}
      <Violated list={found.violated} />
      <ViolationFacts error={found.error} failure={found.failure} />
      <Decided list={found.decisions} />
    </Panel>
  )
}
