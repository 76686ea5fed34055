/** The parent of a job, and its child jobs, with the agents that asked for them. */
import { useEffect } from "preact/hooks"
import type { Job, JobSummary } from "./api.ts"
import { now } from "./browser.ts"
import { children, watchChildren } from "./family.ts"
import { number, plural, span } from "./format.ts"
import { at, jobId } from "./jobStore.ts"
import { Panel, Said, StateMark } from "./parts.tsx"
import { recorded } from "./recorded.ts"
import { hrefOf } from "./route.ts"

/** Tuning: children that the page names. The list of jobs has them all. */
const named = 8

/** The name of a job, and the way to its page. A record has no other job than its own. */
export const JobLink = ({ id, program }: { readonly id: string; readonly program?: string }) => {
  const name = (
    <>
      {program === undefined ? null : (
        <>
          <b>
            <Said text={program} limit={60} />
          </b>{" "}
        </>
      )}
      <Said text={id} limit={200} />
    </>
  )
  if (recorded !== undefined) return <span class="jobName">{name}</span>
  return (
    <a class="jobName" href={hrefOf({ page: "job", id, view: "overview", query: {} })}>
      {name}
    </a>
  )
}

/** The parent of a job. */
export const ChildOf = ({ found: { parent, startedBy } }: { readonly found: Job }) =>
  parent === undefined ? null : (
    <p class="childOf">
      Child of <JobLink id={parent} />
      {startedBy === undefined ? null : (
        <>
          , started by its agent <Said text={startedBy.agent} limit={80} /> in cycle {number(startedBy.cycle)}
        </>
      )}
    </p>
  )

/** The job that a fork was made of, and the cycle after which it begins. */
export const ForkOf = ({ found: { forkOf } }: { readonly found: Job }) =>
  forkOf === undefined ? null : (
    <p class="childOf">
      Fork of <JobLink id={forkOf.jobId} /> after its cycle {number(forkOf.cycle)}
    </p>
  )

/** Children that need somebody come first, then those that are under way. */
const rankOf = ({ haltedAt, state }: JobSummary): number => {
  if (state === "failed" || state === "quarantined" || state === "awaiting") return 0
  if (haltedAt === null) return 1
  return state === "converged" ? 3 : 2
}

const Child = ({ child }: { readonly child: JobSummary }) => {
  const { createdAt, error, haltedAt, jobId: id, program, startedBy, state } = child
  return (
    <li>
      <StateMark state={state} />
      <JobLink id={id} program={program} />
      <small>
        {startedBy === undefined ? null : (
          <>
            by <Said text={startedBy.agent} limit={60} /> in cycle {number(startedBy.cycle)}
          </>
        )}
      </small>
      {error === null ? null : (
        <span class="badText">
          <Said text={error} limit={60} />
        </span>
      )}
      <span class="num">{span(Math.max(0, (haltedAt ?? now.value) - createdAt))}</span>
    </li>
  )
}

/** The child jobs of the job in sight, up to the cycle that the page shows. Their states are always those of now. */
export const Children = () => {
  const id = jobId.value
  useEffect(() => (id === undefined ? undefined : watchChildren(id)), [id])
  const { value } = children
  if (value === undefined || value.of !== id || value.jobs.length === 0) return null
  const cycle = at.value
  const jobs = value.jobs.filter(({ startedBy }) => cycle === undefined || (startedBy?.cycle ?? 0) <= cycle)
  if (jobs.length === 0) return null
  const open = jobs.filter(({ haltedAt }) => haltedAt === null).length
  const note = [
    `${number(jobs.length)}${value.hasMore ? " or more" : ""}`,
    open === 0 ? "all have ended" : `${number(open)}${value.hasMore ? " or more" : ""} not ended`,
    ...(cycle === undefined ? [] : ["states as of now"])
  ]
  return (
    <Panel title="Child jobs" note={note.join(", ")}>
      <ul class="childJobs">
        {jobs
          .toSorted((a, b) => rankOf(a) - rankOf(b))
          .slice(0, named)
          .map((child) => (
            <Child key={child.jobId} child={child} />
          ))}
      </ul>
      {jobs.length <= named || recorded !== undefined ? null : (
        <p>
          <a href={hrefOf({ page: "jobs", query: { parent: id } })}>
            List {value.hasMore ? "all child jobs" : `all ${plural(jobs.length, "child job")}`}
          </a>
        </p>
      )}
    </Panel>
  )
}
