/** One job: where it stands on top, and below it the view that the address names. */
import { useSignal } from "@preact/signals"
import type { ComponentType } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { mayDelete, maySteer } from "./access.ts"
import type { Job } from "./api.ts"
import { Answer } from "./Answer.tsx"
import { Budgets } from "./Budgets.tsx"
import { ChildOf, Children } from "./Family.tsx"
import { EventsView } from "./EventsView.tsx"
import { FactsView } from "./FactsView.tsx"
import { ago, number, span, time } from "./format.ts"
import { at, chosenCycle, goToCycle, isOver, job, jobId, needPrograms, problem, remove, steer } from "./jobStore.ts"
import { pastProblem, replayed, shownState, shownUsage } from "./past.ts"
import { now } from "./browser.ts"
import { OutputView } from "./OutputView.tsx"
import { Asking, Confirm, Fault, Line, Said, StateMark, visible } from "./parts.tsx"
import { Past } from "./Past.tsx"
import { ProgramView } from "./ProgramView.tsx"
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
const deletable = new Set(["suspended", "quarantined", "converged", "budget-exhausted", "failed", "cancelled"])

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

const Steering = () => {
  const asks = useSignal(false)
  const { value } = job
  // A past cycle cannot be steered.
  if (value === undefined || isOver.value || !maySteer.value || chosenCycle.value !== undefined) return null
  return (
    <div class="steer" role="group" aria-label="Steer the job">
      {pausable.has(value.state) ? (
        <button type="button" onClick={() => void steer("pause")}>
          Pause
        </button>
      ) : resumable.has(value.state) ? (
        <button type="button" class="primary" onClick={() => void steer("resume")}>
          Resume
        </button>
      ) : null}
      <button type="button" class="danger" onClick={() => (asks.value = true)}>
        Cancel…
      </button>
      {asks.value ? (
        <Confirm
          title="Cancel this job?"
          act="Cancel the job"
          keep="Let it run"
          onNo={() => (asks.value = false)}
          onYes={() => {
            asks.value = false
            void steer("cancel")
          }}
        >
          <p>The job ends for good. The cycle that is running is lost. Committed cycles stay.</p>
        </Confirm>
      ) : null}
    </div>
  )
}

/** Chooses the cycle that the whole page shows. */
const Slider = () => {
  const last = job.value?.cycle ?? 0
  const shown = chosenCycle.value ?? last
  const isPast = chosenCycle.value !== undefined
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
const Numbers = ({ found: { attributes = {}, createdAt, cycle, haltedAt, hash, phase } }: { readonly found: Job }) => {
  const isPast = at.value !== undefined
  const usage = shownUsage.value ?? null
  const shownHash = isPast ? (replayed.value?.hash ?? "") : hash
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
      {usage === null ? null : (
        <>
          <Line name="facts">{number(usage.facts)}</Line>
          <Line name="tasks">{number(usage.agents)}</Line>
          {usage.tokens > 0 ? <Line name="tokens">{number(usage.tokens)}</Line> : null}
          {usage.cost > 0 ? <Line name="cost">{number(usage.cost)}</Line> : null}
        </>
      )}
      {phase === null || isPast ? null : <Line name="phase">{phase.replace("running.", "")}</Line>}
      <Line name="hash">
        <code title={shownHash}>{shownHash.slice(0, 12)}</code>
      </Line>
    </dl>
  )
}

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
  return (
    <header class={at.value === undefined ? "head" : "head past"}>
      <h1>
        <Said text={program} limit={120} />
        <small>
          <Said text={value.jobId} limit={200} />
        </small>
      </h1>
      <div class="stand">
        {shownState.value === undefined ? null : <StateMark state={shownState.value} />}
        <Steering />
        <Deleting />
      </div>
      <ChildOf found={value} />
      <Numbers found={value} />
      <Slider />
      {pastProblem.value === undefined ? null : <Fault problem={pastProblem.value} />}
    </header>
  )
}

const Overview = () => (
  <div class="overview">
    <Answer />
    {at.value === undefined ? null : <Past />}
    <Children />
    <Statechart />
    <Budgets />
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
        ) : (
          <Page />
        )}
      </div>
    </main>
  )
}
