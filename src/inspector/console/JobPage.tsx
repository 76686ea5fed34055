/** One job: where it stands on top, and below it the view that the address names. */
import { computed, useSignal } from "@preact/signals"
import type { ComponentType } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { mayDelete, maySteer } from "./access.ts"
import type { Job, State } from "./api.ts"
import { Answer } from "./Answer.tsx"
import { Budgets } from "./Budgets.tsx"
import { ChildOf, Children, ForkOf } from "./Family.tsx"
import { EventsView } from "./EventsView.tsx"
import { FactsView } from "./FactsView.tsx"
import { ago, number, span, time } from "./format.ts"
import { factCount } from "./counts.ts"
import {
  type Act,
  acting,
  at,
  chosenCycle,
  ended,
  goToCycle,
  hasNoPast,
  isOver,
  job,
  jobId,
  lacksProgram,
  needPrograms,
  problem,
  refusedAct,
  remove,
  steer
} from "./jobStore.ts"
import { isPastAsked, pastProblem, replayed, shownState, shownUsage } from "./past.ts"
import { now } from "./browser.ts"
import { OutputView } from "./OutputView.tsx"
import { Asking, Confirm, Fault, Held, Line, Said, StateMark, visible } from "./parts.tsx"
import { Past } from "./Past.tsx"
import { ProgramView } from "./ProgramView.tsx"
import { recorded } from "./recorded.ts"
import { RecordNote } from "./RecordNote.tsx"
import { go, hrefOf, route, type View, views } from "./route.ts"
import { Statechart } from "./Statechart.tsx"
import { TimelineView } from "./TimelineView.tsx"
import { Waiting } from "./Waiting.tsx"

const names: Readonly<Record<View, string>> = {
  overview: "Overview",
  timeline: "Timeline",
  facts: "Facts",
  program: "Program",
  output: "Output",
  events: "Events"
}

const pausable = new Set(["running", "queued"])
const resumable = new Set(["paused", "suspended", "quarantined"])

/** States of jobs that no engine runs: these can be deleted. */
const deletable = new Set(["suspended", "quarantined", ...ended])

const Deleting = () => {
  const asks = useSignal(false)
  const { value } = job
  if (value === undefined || !deletable.has(value.state) || !mayDelete.value || chosenCycle.value !== undefined)
    return null
  return (
    <div class="steer">
      <button type="button" class="danger" onClick={() => (asks.value = true)}>
        Delete…
      </button>
      {asks.value ? (
        <Confirm
          title="Delete this job?"
          act="Delete the job"
          keep="Keep the job"
          onNo={() => (asks.value = false)}
          onYes={() => {
            asks.value = false
            void remove()
          }}
        >
          <p>This also deletes its journal and its child jobs. You cannot bring them back.</p>
        </Confirm>
      ) : null}
    </div>
  )
}

/** A past cycle cannot be steered, and neither can a job whose program is not served. */
const isSteered = computed(
  () => !isOver.value && maySteer.value && chosenCycle.value === undefined && !lacksProgram.value
)

/** The loss that a cancel brings, by the state of the job. */
const lostBy = (state: State, cycle: number): string => {
  if (state === "running") return "The cycle that is running is lost. Committed cycles stay."
  if (cycle === 0) return "It has committed no cycle."
  return "No cycle of it is running, so none is lost. Committed cycles stay."
}

const Cancelling = ({ found: { cycle, state }, onEnd }: { readonly found: Job; readonly onEnd: () => void }) => (
  <Confirm
    title="Cancel this job?"
    act="Cancel the job"
    keep={state === "running" ? "Let it run" : "Keep the job"}
    rest=".standing"
    onNo={onEnd}
    onYes={() => {
      onEnd()
      void steer("cancel")
    }}
  >
    <p>
      The job ends for good. {lostBy(state, cycle)}
      {state === "awaiting" ? " It waits for no answer any more." : ""}
    </p>
    <p>Its child jobs that have not ended are cancelled too.</p>
  </Confirm>
)

/** Whether the job is about to pause: this viewer, or another one, has asked for it. */
const isPausing = computed(
  () => job.value?.state === "running" && (acting.value === "pause" || job.value.pausing === true)
)

/** The act that a viewer has asked for and the job has not come to. */
const Asked = () => {
  const text =
    isPausing.value && acting.value !== "cancel"
      ? "pauses after this cycle"
      : acting.value === "cancel"
        ? "is being cancelled"
        : ""
  return (
    <small class="askedFor" role="status">
      {text}
    </small>
  )
}

/** Pauses a job, withdraws a pause that has not come yet, or lets a job go on. */
const PauseButton = ({ state }: { readonly state: State }) => {
  if (pausable.has(state))
    return isPausing.value || acting.value === "pause" ? (
      <button type="button" onClick={() => void steer("resume")}>
        Do not pause
      </button>
    ) : (
      <button type="button" onClick={() => void steer("pause")}>
        Pause
      </button>
    )
  return resumable.has(state) ? (
    <button type="button" class="primary" onClick={() => void steer("resume")}>
      Resume
    </button>
  ) : null
}

const Steering = () => {
  const asks = useSignal(false)
  const { value } = job
  if (value === undefined || !isSteered.value) return null
  return (
    <div class="steer" role="group" aria-label="Steer the job">
      <Asked />
      <PauseButton state={value.state} />
      <button type="button" class="danger" onClick={() => (asks.value = true)}>
        Cancel…
      </button>
      {asks.value ? <Cancelling found={value} onEnd={() => (asks.value = false)} /> : null}
    </div>
  )
}

const doneTo: Readonly<Record<Act, string>> = {
  pause: "paused",
  resume: "resumed",
  cancel: "cancelled",
  delete: "deleted"
}

/** Why the last act of the viewer was refused. */
const Refused = () => {
  const { value } = refusedAct
  if (value === undefined) return null
  const { detail, status, title } = value.problem
  return (
    <div class="fault refused" role="alert">
      <p>
        <b>The job was not {doneTo[value.act]}.</b> {status > 0 ? `${status} ` : ""}
        {title}
        {detail === "" || detail === title ? null : (
          <>
            : <Said text={detail} limit={2_000} hasLines />
          </>
        )}
      </p>
      <button type="button" class="quiet" onClick={() => (refusedAct.value = undefined)}>
        Close
      </button>
    </div>
  )
}

/** Whether the server has no past cycles to show. */
const isWithoutPast = computed(() => hasNoPast.value || pastProblem.value?.name === "NoJournal")

const NoPast = () => (
  <p class="slider" role="note">
    <span class="soft">This server keeps no journals, so it can show the job as it is now, and no earlier cycle.</span>
    {chosenCycle.value === undefined ? null : (
      <button type="button" class="primary" onClick={() => goToCycle(undefined)}>
        Back to now
      </button>
    )}
  </p>
)

/** Chooses the cycle that the whole page shows. */
const Slider = () => {
  const last = job.value?.cycle ?? 0
  const shown = chosenCycle.value ?? last
  const isPast = chosenCycle.value !== undefined
  if (isWithoutPast.value) return <NoPast />
  return (
    <div class={isPast ? "slider past" : "slider"}>
      {isPast ? (
        <p class="banner" role="status">
          <span>
            You are looking at <b>cycle {number(shown)}</b> of {number(last)}
          </span>
          <button type="button" class="primary" onClick={() => goToCycle(undefined)}>
            Back to now
          </button>
        </p>
      ) : null}
      <label>
        <span>Cycle</span>
        <input
          type="range"
          min={0}
          max={last}
          value={shown}
          disabled={last === 0}
          title="The keys [ and ] go to the previous and the next cycle"
          aria-valuetext={isPast ? `cycle ${shown} of ${last}` : `newest, cycle ${last}`}
          onInput={({ currentTarget }) => goToCycle(Number(currentTarget.value))}
        />
        <output>{number(shown)}</output>
      </label>
      <span class="steps">
        <button
          type="button"
          class="quiet"
          aria-label="Previous cycle"
          disabled={shown === 0}
          onClick={() => goToCycle(shown - 1)}
        >
          ‹
        </button>
        <button
          type="button"
          class="quiet"
          aria-label="Next cycle"
          disabled={!isPast}
          onClick={() => goToCycle(shown + 1)}
        >
          ›
        </button>
      </span>
    </div>
  )
}

/** How long the job had run, and its numbers, at the cycle that the page shows. */
const Numbers = ({ found }: { readonly found: Job }) => {
  const { attributes = {}, createdAt, cycle, haltedAt, hash, phase } = found
  const isPast = at.value !== undefined
  const usage = shownUsage.value ?? null
  const shownHash = isPast ? (replayed.value?.hash ?? "") : hash
  // The numbers keep their places while those of another cycle are on their way.
  const { cost = 0, tokens = 0 } = usage ?? found.usage ?? {}
  const counted = (n: number | undefined): string => (n === undefined ? "–" : number(n))
  return (
    <dl class="numbers">
      {Object.entries(attributes).map(([name, value]) => (
        <Line key={name} name={<Said text={name} limit={40} />} title={visible(value)}>
          <Said text={value} limit={40} />
        </Line>
      ))}
      <Line name="began" title={time(createdAt)}>
        {ago(createdAt, now.value)}
      </Line>
      {isPast ? (
        <Line name="had run for">{usage === null ? "–" : span(usage.durationMs)}</Line>
      ) : (
        <Line name={haltedAt === null ? "so far" : "took"}>
          {span(Math.max(0, (haltedAt ?? now.value) - createdAt))}
        </Line>
      )}
      <Line name="cycle">{number(at.value ?? cycle)}</Line>
      <Line name="facts">{counted(factCount.value)}</Line>
      {usage === null && !isPast ? null : (
        <>
          <Line name="tasks">{counted(usage?.agents)}</Line>
          {tokens > 0 ? <Line name="tokens">{counted(usage?.tokens)}</Line> : null}
          {cost > 0 ? <Line name="cost">{counted(usage?.cost)}</Line> : null}
        </>
      )}
      {phase === null || isPast ? null : <Line name="phase">{phase.replace("running.", "")}</Line>}
      <Line name="hash">
        <code title={shownHash}>{shownHash === "" ? "–" : shownHash.slice(0, 12)}</code>
      </Line>
    </dl>
  )
}

/** Tells of a job whose program is not served: what the page shows, and what cannot be done here. */
const Unserved = ({ found: { haltedAt } }: { readonly found: Job }) => (
  <p class="childOf">
    This server does not serve the program, so the page shows what the job's journal has
    {haltedAt === null ? ", and the job can neither be resumed nor cancelled here" : ""}.
  </p>
)

const Head = () => {
  const { value } = job
  if (value === undefined) {
    return (
      <header class="head">
        <h1>
          <Said text={jobId.value ?? ""} limit={200} />
        </h1>
      </header>
    )
  }
  const { program } = value
  const isLost = isWithoutPast.value && chosenCycle.value !== undefined
  return (
    <header class={at.value === undefined ? "head" : "head past"}>
      <h1>
        <Said text={program} limit={120} />
        <small>
          <Said text={value.jobId} limit={200} />
        </small>
      </h1>
      <div class="stand">
        {isPastAsked.value ? (
          <span class="state" role="status">
            loading cycle {number(at.value ?? 0)}…
          </span>
        ) : shownState.value === undefined || isLost ? null : (
          <span class="standing" tabIndex={-1}>
            <StateMark state={shownState.value} />
          </span>
        )}
        <Steering />
        <Deleting />
      </div>
      <Refused />
      <ChildOf found={value} />
      <ForkOf found={value} />
      {lacksProgram.value && recorded === undefined ? <Unserved found={value} /> : null}
      {isLost ? null : <Numbers found={value} />}
      <Slider />
      {pastProblem.value === undefined || isLost ? null : <Fault problem={pastProblem.value} />}
    </header>
  )
}

const Overview = () => (
  <div class="overview">
    <Held isBusy={isPastAsked.value}>
      <Answer />
    </Held>
    <Held isBusy={isPastAsked.value}>{at.value === undefined ? null : <Past />}</Held>
    <Children />
    <Statechart />
    <Held isBusy={isPastAsked.value}>
      <Budgets />
    </Held>
  </div>
)

const pages: Readonly<Record<View, ComponentType>> = {
  overview: Overview,
  timeline: TimelineView,
  facts: FactsView,
  program: ProgramView,
  output: OutputView,
  events: EventsView
}

const Tabs = ({ view, id }: { readonly view: View; readonly id: string }) => {
  const { query } = route.value
  const to = (name: View) =>
    ({ page: "job", id, view: name, query: query["at"] === undefined ? {} : { at: query["at"] } }) as const
  const move = (step: number): void => {
    const next = views[(views.indexOf(view) + step + views.length) % views.length] ?? "overview"
    go(to(next))
    document.getElementById(`tab-${next}`)?.focus()
  }
  const list = useRef<HTMLDivElement>(null)
  // In a narrow window, the last tabs are out of sight.
  useEffect(() => {
    const { current } = list
    const tab = document.getElementById(`tab-${view}`)
    if (current !== null && tab !== null)
      current.scrollLeft = tab.offsetLeft - current.offsetLeft + tab.offsetWidth / 2 - current.clientWidth / 2
  }, [view])
  return (
    <div class="tabs" role="tablist" aria-label="Views of the job" ref={list}>
      {views.map((name) => (
        <a
          key={name}
          id={`tab-${name}`}
          role="tab"
          href={hrefOf(to(name))}
          aria-selected={name === view}
          aria-controls="view"
          tabIndex={name === view ? 0 : -1}
          onKeyDown={(event) => {
            const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0
            if (step === 0) return
            event.preventDefault()
            move(step)
          }}
        >
          {names[name]}
        </a>
      ))}
    </div>
  )
}

export const JobPage = () => {
  const { value } = route
  useEffect(() => void needPrograms(), [])
  if (value.page !== "job") return null
  const Page = pages[value.view]
  if (job.value === undefined && problem.value?.status === 404) {
    return (
      <main class="job" id="main" tabIndex={-1}>
        <Fault problem={problem.value} />
        <Head />
        <p>
          It may have been deleted, or its id may be misspelled.{" "}
          <a href={hrefOf({ page: "jobs", query: {} })}>All jobs</a>
        </p>
      </main>
    )
  }
  return (
    <main class="job" id="main" tabIndex={-1}>
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      <RecordNote />
      <Head />
      <Tabs view={value.view} id={value.id} />
      {chosenCycle.value === undefined ? <Waiting jobId={value.id} view={value.view} /> : null}
      <div id="view" role="tabpanel" aria-labelledby={`tab-${value.view}`} class="view">
        {job.value === undefined && (problem.value === undefined || problem.value.isToldOnTop === true) ? (
          <Asking what="the job" />
        ) : isWithoutPast.value && chosenCycle.value !== undefined ? null : (
          <Page />
        )}
      </div>
    </main>
  )
}
