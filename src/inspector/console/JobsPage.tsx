/** The list of jobs: filters above, what waits for a human on top, and a row for each job. */
import { useEffect } from "preact/hooks"
import { useSignal } from "@preact/signals"
import type { JobSummary } from "./api.ts"
import { ago, number, plural, span } from "./format.ts"
import { hasMore, isLoaded, jobs, more, problem, watchJobs } from "./jobsStore.ts"
import { now } from "./now.ts"
import { Empty, Fault, Said, StateMark } from "./parts.tsx"
import { change, go, route } from "./route.ts"
import { VirtualList } from "./virtual.tsx"
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
      <input
        type="search"
        id="search"
        aria-label="Search jobs by id or program"
        placeholder="Search id or program   /"
        value={query["q"] ?? ""}
        onInput={({ currentTarget }) => change({ q: currentTarget.value })}
      />
    </form>
  )
}

const Row = ({ job }: { readonly job: JobSummary }) => {
  const end = job.haltedAt ?? now.value
  return (
    <>
      <StateMark state={job.state} />
      <span class="who">
        <b><Said text={job.program} limit={80} /></b>
        <small><Said text={job.jobId} limit={80} /></small>
      </span>
      <span class="why">{job.error === null ? "" : job.error}</span>
      <span class="num">{number(job.cycle)} <small>{job.cycle === 1 ? "cycle" : "cycles"}</small></span>
      <span class="num">{span(Math.max(0, end - job.createdAt))}</span>
      <span class="num age">{ago(job.createdAt, now.value)}</span>
    </>
  )
}

export const JobsPage = () => {
  useEffect(() => watchJobs(), [])
  const chosen = useSignal("")
  const list = jobs.value
  const index = list.findIndex(({ jobId }) => jobId === chosen.value)
  const open = (at: number): void => {
    const job = list[at]
    if (job !== undefined) go({ page: "job", id: job.jobId, view: "overview", query: {} })
  }
  return (
    <main class="jobs">
      <Waiting />
      <Filters />
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      {isLoaded.value && list.length === 0 ? (
        <Empty>No job is here. Start one with <code>POST api/v1/jobs</code>, or take a filter away.</Empty>
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
        />
      )}
    </main>
  )
}
