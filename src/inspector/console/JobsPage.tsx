/** The list of jobs: filters above, what waits for a human on top, and a row for each job. */
import { asksForResults, goIntoResults } from "./search.ts"
import { useEffect, useRef } from "preact/hooks"
import { useSignal } from "@preact/signals"
import { ago, bytes, number, plural, span } from "./format.ts"
import {
  ages,
  attributeIn,
  hasMore,
  isCurrent,
  jobs,
  type ListedJob,
  more,
  problem,
  show,
  watchJobs
} from "./jobsStore.ts"
import { needPrograms, programs } from "./jobStore.ts"
import { isNarrow, now } from "./browser.ts"
import { Asking, Bar, Empty, Fault, Said, StateMark, visible } from "./parts.tsx"
import { change, go, hrefOf, route } from "./route.ts"
import { overscan, VirtualList } from "./virtual.tsx"
import { Waiting } from "./Waiting.tsx"

const statuses = [
  ["", "all"],
  ["unfinished", "unfinished"],
  ["queued", "queued"],
  ["running", "running"],
  ["awaiting", "awaiting"],
  ["paused", "paused"],
  ["suspended", "suspended"],
  ["quarantined", "quarantined"],
  ["failed", "failed"],
  ["budget-exhausted", "exhausted"],
  ["converged", "converged"],
  ["cancelled", "cancelled"]
] as const

const intoResults = (event: KeyboardEvent): void => {
  if (asksForResults(event) && goIntoResults()) event.preventDefault()
}

const AttributeNote = () => (
  <p id="attributeNote" class="wrong" role="status">
    An attribute is a key, a colon and a value, such as <code>customer:42</code>. Until then it filters nothing.
  </p>
)

const Age = ({ chosen }: { readonly chosen: string }) => (
  <label>
    <span class="hidden">Age</span>
    <select value={chosen} onChange={({ currentTarget }) => change({ age: currentTarget.value })}>
      <option value="">Any age</option>
      {Object.keys(ages).map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  </label>
)

const States = ({ chosen }: { readonly chosen: string }) => {
  const row = useRef<HTMLFieldSetElement>(null)
  // In a narrow window, the row scrolls.
  useEffect(() => {
    const { current } = row
    const chip = current?.querySelector<HTMLElement>(".chip.on")
    if (current === null || chip === null || chip === undefined) return
    current.scrollLeft = chip.offsetLeft - current.offsetLeft + chip.offsetWidth / 2 - current.clientWidth / 2
  }, [chosen])
  return (
    <fieldset class="chips" ref={row}>
      <legend class="hidden">State</legend>
      {statuses.map(([value, name]) => (
        <label key={value} class={chosen === value ? "chip on" : "chip"}>
          <input type="radio" name="status" checked={chosen === value} onChange={() => change({ status: value })} />
          {name}
        </label>
      ))}
    </fieldset>
  )
}

const Filters = () => {
  const { query } = route.value
  const chosen = query["program"] ?? ""
  const attribute = query["attribute"] ?? ""
  const isWrong = attribute !== "" && attributeIn(attribute) === undefined
  const names = [...new Set([...programs.value.map(({ name }) => name), ...(chosen === "" ? [] : [chosen])])].sort()
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <States chosen={query["status"] ?? ""} />
      <div class="choices">
        <label>
          <span class="hidden">Program</span>
          <select
            value={query["program"] ?? ""}
            onChange={({ currentTarget }) => change({ program: currentTarget.value })}
          >
            <option value="">All programs</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {visible(name)}
              </option>
            ))}
          </select>
        </label>
        <Age chosen={query["age"] ?? ""} />
        <input
          type="search"
          class="attribute"
          aria-label="Filter by an attribute: its key, a colon and its value"
          placeholder="Attribute key:value"
          aria-invalid={isWrong}
          aria-describedby={isWrong ? "attributeNote" : undefined}
          title="A key, a colon and a value, for example customer:42"
          value={attribute}
          onInput={({ currentTarget }) => change({ attribute: currentTarget.value })}
          onKeyDown={intoResults}
        />
        <input
          type="search"
          id="search"
          aria-label="Search jobs by id, program or error"
          placeholder="Search id, program, error"
          title="Finds jobs by a part of their id, their program or their error. The key / comes here."
          value={query["q"] ?? ""}
          onInput={({ currentTarget }) => change({ q: currentTarget.value })}
          onKeyDown={intoResults}
        />
      </div>
      {isWrong ? <AttributeNote /> : null}
    </form>
  )
}

/** Why a row has no bar: in a word, and in a sentence. */
const noBar = {
  unlimited: ["no limit", "The budget of this job has no limits."],
  unread: [
    "not read",
    "The record of this job is too long for a list, or damaged. The page of the job shows its budget, if it can be read."
  ]
} as const

/** The names of budgets, as the job's own page has them. */
const budgetNames: Readonly<Record<string, string>> = { agents: "tasks", cpuTime: "CPU time", contextBytes: "context" }

/** An amount of a budget: times are in milliseconds, and the context is in bytes. */
const amountOf = (name: string, amount: number): string => {
  if (name === "duration" || name === "cpuTime") return span(amount)
  return name === "contextBytes" ? bytes(amount) : number(Math.round(amount * 100) / 100)
}

/** The budget that the job has used most of. */
const Used = ({ budget, noBudget }: Pick<ListedJob, "budget" | "noBudget">) => {
  if (budget === null) {
    const [word, sentence] = noBudget === undefined ? ["", undefined] : noBar[noBudget]
    return (
      <span class="used" title={sentence}>
        <small>{word}</small>
      </span>
    )
  }
  const { isPartial, limit, name, used } = budget
  const shown = budgetNames[name] ?? name
  const rest = isPartial === true ? ". Of this job, the list knows only cycles, times and payments" : ""
  const part = limit <= 0 ? 1 : Math.min(used / limit, 1)
  return (
    <span class="used">
      <small>
        {shown} {part > 0 && part < 0.005 ? "under 1" : Math.round(part * 100)} %
      </small>
      <Bar used={used} limit={limit} label={`${shown}: ${amountOf(name, used)} of ${amountOf(name, limit)}${rest}`} />
    </span>
  )
}

/** Tuning: attributes that a row has room for. */
const shownAttributes = 4

/** The attributes of a job as tags. A click on one lists the jobs that have it. */
const Attributes = ({ all }: { readonly all: Readonly<Record<string, string>> }) => {
  const entries = Object.entries(all)
  return (
    <>
      {entries.slice(0, shownAttributes).map(([key, value]) => (
        <span
          key={key}
          class="tag"
          title={`List the jobs with ${visible(`${key}:${value}`, 100)}`}
          onClick={(event) => {
            event.stopPropagation()
            change({ attribute: `${key}:${value}` }, false)
          }}
        >
          <Said text={key} limit={24} />:<Said text={value} limit={40} />
        </span>
      ))}
      {entries.length > shownAttributes ? <span class="tag">+{entries.length - shownAttributes}</span> : null}
    </>
  )
}

const Row = ({ job }: { readonly job: ListedJob }) => {
  const end = job.haltedAt ?? now.value
  return (
    <>
      <StateMark state={job.state} />
      <span class="who">
        <b>
          <Said text={job.program} limit={80} />
        </b>
        <small>
          <Said text={job.jobId} limit={80} />{" "}
          {job.attributes === undefined ? null : <Attributes all={job.attributes} />}
        </small>
      </span>
      <span class="why">{job.error === null ? "" : <Said text={job.error} limit={80} />}</span>
      <Used {...job} />
      <span class="num place">
        <small>cycle</small> {number(job.cycle)}
      </span>
      <span class="num took">{span(Math.max(0, end - job.createdAt))}</span>
      <span class="num age">{ago(job.createdAt, now.value)}</span>
    </>
  )
}

/** The advice where no job is listed. */
const NoJob = () => {
  const { query } = route.value
  const isFiltered = Object.values(query).some((value) => value !== "")
  if (!isFiltered)
    return (
      <>
        There are no jobs yet. Start one with <code>POST api/v1/jobs</code>, and it appears here by itself.
      </>
    )
  return (
    <>
      No job matches these filters.{" "}
      <button type="button" onClick={() => go({ page: "jobs", query: {} })}>
        Show all jobs
      </button>
    </>
  )
}

/** Says whose children the list shows, and leads back to all jobs. */
const OfParent = () => {
  const { parent = "" } = route.value.query
  if (parent === "") return null
  return (
    <p class="ofParent">
      <span>
        Child jobs of{" "}
        <a href={hrefOf({ page: "job", id: parent, view: "overview", query: {} })}>
          <Said text={parent} limit={200} />
        </a>
      </span>
      <button type="button" class="quiet" onClick={() => change({ parent: "" }, false)}>
        Show all jobs
      </button>
    </p>
  )
}

export const JobsPage = () => {
  useEffect(() => watchJobs(), [])
  useEffect(() => void needPrograms(), [])
  const chosen = useSignal("")
  const list = jobs.value
  const index = list.findIndex(({ jobId }) => jobId === chosen.value)
  const open = (at: number): void => {
    const job = list[at]
    if (job !== undefined) go({ page: "job", id: job.jobId, view: "overview", query: {} })
  }
  return (
    <main class="jobs" id="main" tabIndex={-1}>
      <h1 class="hidden">Jobs</h1>
      <Waiting />
      <Filters />
      <OfParent />
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      {list.length === 0 ? (
        isCurrent.value ? (
          <Empty>{hasMore.value ? "Searching older jobs…" : <NoJob />}</Empty>
        ) : problem.value === undefined || problem.value.isToldOnTop === true ? (
          <Asking what="the jobs" />
        ) : null
      ) : (
        <VirtualList
          class={isCurrent.value ? "jobList" : "jobList older"}
          label={`${plural(list.length, "job")}${hasMore.value ? " and more" : ""}`}
          count={list.length}
          rowHeight={isNarrow.value ? 84 : 52}
          row={(at) => <Row job={list[at]!} />}
          keyOf={(at) => list[at]!.jobId}
          chosen={index}
          onChoose={(at) => (chosen.value = list[at]?.jobId ?? "")}
          onOpen={open}
          onEnd={() => void more()}
          onShow={(first) => show(first + overscan)}
        />
      )}
    </main>
  )
}
