/** The frame of the console: the bar on top, the token if the server wants one, and the page that the address names. */
import { signal, useSignal, useSignalEffect } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { maySteer, tokenName } from "./access.ts"
import { isReached, leaveToken, needsToken, token, useToken } from "./api.ts"
import { keepFocus } from "./focus.ts"
import { hearEnds } from "./lastWord.ts"
import { JobPage } from "./JobPage.tsx"
import { JobsPage } from "./JobsPage.tsx"
import { chosenCycle, goToCycle, isOver, job } from "./jobStore.ts"
import { Said, visible } from "./parts.tsx"
import { go, hrefOf, route } from "./route.ts"
import { cycleTheme, theme } from "./theme.ts"

/** Whether the viewer has asked for the form of the token, although the server accepts the one that the page has. */
const isChanging = signal(false)

const TokenForm = () => {
  const text = useSignal("")
  const isLeft = needsToken.value
  return (
    <section aria-label="Token">
      <form
        class="token"
        onSubmit={(event) => {
          event.preventDefault()
          isChanging.value = false
          useToken(text.value)
        }}
      >
        <label>
          {isLeft ? "This server needs a token" : "Use another token"}{" "}
          <input
            type="password"
            autocomplete="off"
            autofocus
            value={text.value}
            onInput={({ currentTarget }) => (text.value = currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Use this token
        </button>
        {isLeft ? null : (
          <>
            <button type="button" onClick={leaveToken}>
              Forget the one in use
            </button>
            <button type="button" class="quiet" onClick={() => (isChanging.value = false)}>
              Close
            </button>
          </>
        )}
        <small>
          {!isLeft
            ? `The page uses the token ${visible(tokenName.value ?? "", 60)}, which may look at jobs${maySteer.value ? " and steer them" : ", and nothing else"}.`
            : token.value === ""
              ? "Ask the person who runs the server for one. It stays in this tab."
              : "The server does not accept the token that you entered. Enter another one."}
        </small>
      </form>
    </section>
  )
}

/** The token in use, and the way to another one. */
const TokenButton = () =>
  token.value === "" || needsToken.value || tokenName.value === undefined ? null : (
    <button
      type="button"
      class="quiet"
      aria-expanded={isChanging.value}
      aria-label={`Token ${visible(tokenName.value, 60)}: change or leave it`}
      title="The token that this page uses. Change or leave it"
      onClick={() => (isChanging.value = !isChanging.value)}
    >
      <small>token</small> <Said text={tokenName.value} limit={20} />
    </button>
  )

/** Says once, for the whole page, that the server is away. */
const Lost = () => (
  <p class="lost" role="status">
    <b>The server does not answer.</b>{" "}
    {job.value === undefined
      ? ""
      : isOver.value
        ? "The job has ended, and you see what the server told of it. "
        : "What you see of the job is what the server told last. "}
    Check that it is running and that this machine can reach it. The page keeps trying, and goes on by itself. A server
    of <code>converge run --inspect</code> ends with its job; <code>--inspect-stay</code> keeps it.
  </p>
)

const Bar = () => {
  const { value } = route
  return (
    <header class="bar">
      <a class="mark" href={hrefOf({ page: "jobs", query: {} })} aria-label="converge: all jobs">
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <path
            d="M3 4 L12 12 M3 20 L12 12 M3 12 L12 12"
            stroke="currentColor"
            stroke-width="1.8"
            fill="none"
            stroke-linecap="round"
          />
          <circle cx="16" cy="12" r="4" fill="var(--accent)" />
        </svg>
        <b>converge</b>
      </a>
      <nav aria-label="Place">
        {value.page === "jobs" ? (
          <span aria-current="page">Jobs</span>
        ) : (
          <>
            <a href={hrefOf({ page: "jobs", query: {} })}>Jobs</a>
            <span aria-hidden="true">/</span>
            <span aria-current="page">
              {job.value === undefined ? null : (
                <>
                  <Said text={job.value.program} limit={60} />{" "}
                  <span class="soft" aria-hidden="true">
                    ·
                  </span>{" "}
                </>
              )}
              <Said text={value.id} limit={60} />
            </span>
          </>
        )}
      </nav>
      <span class="grow" />
      <TokenButton />
      <button
        type="button"
        class="quiet"
        onClick={cycleTheme}
        aria-label={`Colours: ${theme.value}`}
        title={`Colours: ${theme.value}`}
      >
        {theme.value === "light" ? "☀" : theme.value === "dark" ? "☾" : "◐"}
      </button>
    </header>
  )
}

/** "/" goes to the search field; [ and ] to the cycle before and after; Escape to the present, and then up to the list. */
const useKeys = (): void =>
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping =
        // A slider takes the keys that move it, and no others.
        (event.target instanceof HTMLInputElement && event.target.type !== "range") ||
        event.target instanceof HTMLTextAreaElement ||
        event.target instanceof HTMLSelectElement
      if (isTyping || document.querySelector("dialog[open]") !== null) return
      if (event.altKey || event.ctrlKey || event.metaKey) return
      const cycle = chosenCycle.peek()
      if (event.key === "Escape" && route.peek().page === "job") {
        if (cycle === undefined) go({ page: "jobs", query: {} })
        else goToCycle(undefined)
      }
      if (event.key === "[") goToCycle((cycle ?? job.peek()?.cycle ?? 1) - 1)
      if (event.key === "]" && cycle !== undefined) goToCycle(cycle + 1)
      if (event.key !== "/") return
      const field = document.getElementById("search")
      if (field === null) return
      event.preventDefault()
      field.focus()
    }
    addEventListener("keydown", onKey)
    return () => removeEventListener("keydown", onKey)
  }, [])

export const App = () => {
  useKeys()
  useEffect(keepFocus, [])
  useEffect(hearEnds, [])
  useSignalEffect(() => {
    const { value } = route
    document.title = value.page === "jobs" ? "Jobs · converge" : `${visible(value.id, 100) || "job"} · converge`
  })
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          document.querySelector<HTMLElement>("main")?.focus()
        }}
      >
        Skip to the page
      </a>
      <Bar />
      {isReached.value ? null : <Lost />}
      {needsToken.value || isChanging.value ? <TokenForm /> : null}
      {route.value.page === "jobs" ? <JobsPage /> : <JobPage key={route.value.id} />}
    </>
  )
}
