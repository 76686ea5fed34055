/** The list of jobs: filters above, what waits for a human on top, and a row for each job. */
import { useEffect } from "preact/hooks"
import { useSignal } from "@preact/signals"
import { ago, number, plural, span } from "./format.ts"
import {
  ages,
  hasMore,
  isAttribute,
  isLoaded,
  jobs,
  type ListedJob,
  more,
  problem,
  show,
  watchJobs
} from "./jobsStore.ts"
import { needPrograms, programs } from "./jobStore.ts"
import { now } from "./browser.ts"
import { Bar, Empty, Fault, Said, StateMark, visible } from "./parts.tsx"
import { change, go, route } from "./route.ts"
import { overscan, VirtualList } from "./virtual.tsx"
import { Waiting } from "./Waiting.tsx"

const statuses = [
  ["", "all"],
  ["unfinished", "unfinished"],
  ["awaiting", "awaiting"],
  ["failed", "failed"],
  ["budget-exhausted", "exhausted"],
  ["quarantined", "quarantined"],
  ["converged", "converged"],
  ["cancelled", "cancelled"]
] as const

const Filters = () => {
  const { query } = route.value
  const chosen = query["program"] ?? ""
  const names = [...new Set([...programs.value.map(({ name }) => name), ...(chosen === "" ? [] : [chosen])])].sort()
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <fieldset class="chips">
        <legend class="hidden">State</legend>
        {statuses.map(([value, name]) => (
          <label key={value} class={(query["status"] ?? "") === value ? "chip on" : "chip"}>
            <input
              type="radio"
              name="status"
              checked={(query["status"] ?? "") === value}
              onChange={() => change({ status: value })}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <div class="choices">
        <label>
          <span class="hidden">Program</span>
          <select
            value={query["program"] ?? ""}
            onChange={({ currentTarget }) => change({ program: currentTarget.value })}
          >
            <option value="">any program</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {visible(name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="hidden">Age</span>
          <select value={query["age"] ?? ""} onChange={({ currentTarget }) => change({ age: currentTarget.value })}>
            <option value="">of any age</option>
            {Object.keys(ages).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <input
          type="search"
          class="attribute"
          aria-label="Filter by an attribute: its key, a colon and its value"
          placeholder="attribute  key:value"
          aria-invalid={(query["attribute"] ?? "") !== "" && !isAttribute(query["attribute"] ?? "")}
          title="A key, a colon and a value, such as customer:42"
          value={query["attribute"] ?? ""}
          onInput={({ currentTarget }) => change({ attribute: currentTarget.value })}
        />
        <input
          type="search"
          id="search"
          aria-label="Search jobs by id or program"
          placeholder="Search id or program   /"
          value={query["q"] ?? ""}
          onInput={({ currentTarget }) => change({ q: currentTarget.value })}
        />
      </div>
    </form>
  )
}

/** The budget that the job has used most of. */
const Used = ({ budget }: Pick<ListedJob, "budget">) => {
  if (budget === null) return <span class="used" />
  const { limit, name, used } = budget
  const part = limit <= 0 ? 1 : Math.min(used / limit, 1)
  return (
    <span class="used">
      <small>
        {name} {Math.round(part * 100)} %
      </small>
      <Bar used={used} limit={limit} label={`${name}: ${number(Math.round(used))} of ${number(limit)}`} />
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
      <Used budget={job.budget} />
      <span class="num">
        {number(job.cycle)} <small>{job.cycle === 1 ? "cycle" : "cycles"}</small>
      </span>
      <span class="num">{span(Math.max(0, end - job.createdAt))}</span>
      <span class="num age">{ago(job.createdAt, now.value)}</span>
    </>
  )
}

/** What to do where no job is listed. */
const NoJob = () => {
  const { query } = route.value
  const isFiltered = Object.values(query).some((value) => value !== "")
  if (!isFiltered)
    return (
      <>
        No job is here yet. Start one with <code>POST api/v1/jobs</code>, and it appears by itself.
      </>
    )
  return (
    <>
      No job fits these filters.{" "}
      <button type="button" onClick={() => go({ page: "jobs", query: {} })}>
        Show all jobs
      </button>
    </>
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
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      {isLoaded.value && list.length === 0 ? (
        <Empty>{hasMore.value ? "Searching older jobs…" : <NoJob />}</Empty>
      ) : (
        <VirtualList
          class="jobList"
          label={`${plural(list.length, "job")}${hasMore.value ? " and more" : ""}`}
          count={list.length}
          rowHeight={52}
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
