/**
 * The facts: kinds on the left, facts of a kind in the middle, and the chosen fact with its history and derivation on the
 * right.
 *
 * Counts are of facts and not of revisions. Everything is as of the cycle that the page shows; two cycles can be compared.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, ofJob, queryOf } from "./api.ts"
import { DiffView } from "./DiffView.tsx"
import { FactPane } from "./FactPane.tsx"
import { facts, isLoading, more, problem, refresh, show } from "./factsStore.ts"
import { brief, number } from "./format.ts"
import { at, graph, isOver, job, jobId } from "./jobStore.ts"
import { Empty, Fault, Said } from "./parts.tsx"
import { later, poll } from "./browser.ts"
import { factIn, factQuery } from "./factNames.ts"
import { change, route } from "./route.ts"
import { VirtualList } from "./virtual.tsx"

/** The number of facts of each kind as of a cycle, by the kind's name. */
const useCounts = () => {
  const counts = useSignal<Readonly<Record<string, number>>>({})
  const id = jobId.value
  const cycle = at.value
  useEffect(() => {
    if (id === undefined) return undefined
    const fetchCounts = async (abort: AbortSignal): Promise<void> => {
      const query = cycle === undefined ? "" : `?at=${cycle}`
      const answer = await ask<{ readonly kinds: Readonly<Record<string, number>> }>(ofJob(id, `/kinds${query}`), {
        signal: abort
      })
      if (answer?.ok === true) counts.value = answer.value.kinds
    }
    if (cycle !== undefined || isOver.value) {
      const abort = new AbortController()
      void fetchCounts(abort.signal)
      return () => abort.abort()
    }
    return poll(2_000, fetchCounts)
  }, [id, cycle, isOver.value])
  return counts
}

const Kinds = ({ counts, kind }: { readonly counts: Readonly<Record<string, number>>; readonly kind: string }) => {
  const names = [...new Set([...Object.keys(counts), ...(graph.value?.kinds.map(({ name }) => name) ?? [])])].sort()
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return (
    <ul class="kinds" aria-label="Kinds">
      {["", ...names].map((name) => (
        <li key={name}>
          <button
            type="button"
            class={name === kind ? "on" : ""}
            aria-pressed={name === kind}
            onClick={() => change({ kind: name })}
          >
            <span>{name === "" ? "all kinds" : <Said text={name} limit={80} />}</span>
            <small class="num">{number(name === "" ? total : (counts[name] ?? 0))}</small>
          </button>
        </li>
      ))}
    </ul>
  )
}

const Search = () => {
  const { query } = route.value
  const text = useSignal(query["q"] ?? "")
  useEffect(() => {
    if (text.value === (route.peek().query["q"] ?? "")) return undefined
    return later(200, () => change({ q: text.value }))
  }, [text.value])
  return (
    <input
      type="search"
      id="search"
      aria-label="Search facts by id or value"
      placeholder="Search ids and values   /"
      value={text.value}
      onInput={({ currentTarget }) => (text.value = currentTarget.value)}
    />
  )
}

/** The cycle, or the job, that the facts are compared with. */
const Compare = () => {
  const last = at.value ?? job.value?.cycle ?? 0
  const { query } = route.value
  const other = query["with"] ?? ""
  const isOn = (query["from"] ?? "") !== ""
  if (other !== "") {
    return (
      <p class="compare">
        compared with <Said text={other} limit={60} />{" "}
        <button type="button" class="quiet" onClick={() => change({ with: "" })}>
          all facts
        </button>
      </p>
    )
  }
  return (
    <span class="compare">
      <label>
        <input
          type="checkbox"
          checked={isOn}
          onChange={({ currentTarget }) => change({ from: currentTarget.checked ? String(Math.max(0, last - 1)) : "" })}
        />{" "}
        changes since cycle
      </label>
      <input
        type="number"
        min={0}
        max={last}
        disabled={!isOn}
        aria-label="the earlier cycle"
        value={query["from"] ?? String(Math.max(0, last - 1))}
        onChange={({ currentTarget }) => change({ from: currentTarget.value })}
      />
    </span>
  )
}

/** What is compared, if anything is: the question to the server, and its name. */
const comparison = (
  from: string,
  other: string,
  to: number
): { readonly path: string; readonly title: string } | undefined => {
  if (other !== "") {
    const path = `/diff/${encodeURIComponent(other)}${queryOf({ at: at.value })}`
    return { path, title: `From this job to ${other}` }
  }
  if (!/^\d{1,9}$/.test(from)) return undefined
  const [first, last] = [Math.min(Number(from), to), Math.max(Number(from), to)]
  return { path: `/diff?from=${first}&to=${last}`, title: `Changes from cycle ${first} to ${last}` }
}

const FactList = ({ kind, text }: { readonly kind: string; readonly text: string }) => {
  const list = facts.value
  const chosen = factIn(route.value.query)
  if (list.length === 0 && !isLoading.value)
    return <Empty>No fact is here{text === "" ? "" : " that has this text"}.</Empty>
  return (
    <VirtualList
      class="factList"
      label="facts"
      count={list.length}
      rowHeight={44}
      keyOf={(index) => `${list[index]!.kind}/${list[index]!.id}`}
      row={(index) => {
        const { id: own, kind: name, provenance, value } = list[index]!
        return (
          <>
            <span class="who">
              <b>
                {kind === "" ? (
                  <>
                    <Said text={name} limit={40} />/
                  </>
                ) : null}
                <Said text={own} limit={120} />
              </b>
              <small>
                <Said text={brief(value, 160)} limit={160} />
              </small>
            </span>
            <small class="num">
              <Said text={provenance.agent || provenance.origin} limit={30} /> · {number(provenance.cycle)}
            </small>
          </>
        )
      }}
      chosen={chosen === undefined ? -1 : list.findIndex((fact) => fact.kind === chosen.kind && fact.id === chosen.id)}
      onChoose={(index) => {
        const fact = list[index]
        if (fact !== undefined) change(factQuery(fact))
      }}
      onOpen={() => undefined}
      onEnd={more}
    />
  )
}

export const FactsView = () => {
  const id = jobId.value
  const { query } = route.value
  const kind = query["kind"] ?? ""
  const text = query["q"] ?? ""
  const chosen = factIn(query)
  const counts = useCounts()
  useEffect(() => {
    if (id !== undefined) show({ jobId: id, kind, q: text, at: at.value })
  }, [id, kind, text, at.value])
  useEffect(() => (isOver.value ? undefined : poll(2_000, refresh)), [isOver.value])
  if (id === undefined) return null
  const compared = comparison(query["from"] ?? "", query["with"] ?? "", at.value ?? job.value?.cycle ?? 0)
  return (
    <div class="facts">
      <Kinds counts={counts.value} kind={kind} />
      <div class="list">
        <div class="toolbar">
          <Search />
          <Compare />
        </div>
        {problem.value === undefined ? null : <Fault problem={problem.value} />}
        {compared === undefined ? (
          <FactList kind={kind} text={text} />
        ) : (
          <DiffView key={compared.path} jobId={id} kind={kind} {...compared} />
        )}
      </div>
      {chosen === undefined ? (
        <section class="pane" aria-label="the chosen fact">
          <Empty>Choose a fact to see where it comes from and what follows from it.</Empty>
        </section>
      ) : (
        <FactPane key={`${chosen.kind}/${chosen.id}`} jobId={id} fact={chosen} />
      )}
    </div>
  )
}
