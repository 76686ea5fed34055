/** Reads addresses, robots rules, and the few tags of a page that matter to a crawler. Plain functions. */

/** Parameters that change nothing of the page. */
const tracking = /^(?:utm_.*|fbclid|gclid|sessionid)$/i

/** One spelling for one page: no fragment, no tracking, parameters in order. Undefined for what no crawler fetches. */
export const normalised = (href: string, base?: string): string | undefined => {
  const url = URL.parse(href, base)
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  url.hash = ""
  for (const name of [...url.searchParams.keys()]) if (tracking.test(name)) url.searchParams.delete(name)
  url.searchParams.sort()
  return url.href
}

export const originOf = (url: string): string => new URL(url).origin

/** The paths that robots.txt forbids everybody. A group of lines begins with its user agents; `*` means everybody. */
export const forbiddenPaths = (robots: string): ReadonlyArray<string> => {
  const paths: Array<string> = []
  let isForUs = false
  let isInAgents = false
  for (const line of robots.split(/\r?\n/)) {
    const [field = "", ...rest] = line.replace(/#.*/, "").split(":")
    const value = rest.join(":").trim()
    if (/^user-agent$/i.test(field.trim())) {
      isForUs = (isInAgents && isForUs) || value === "*"
      isInAgents = true
    } else {
      isInAgents = false
      if (isForUs && /^disallow$/i.test(field.trim()) && value !== "") paths.push(value)
    }
  }
  return paths
}

export const isForbidden = (url: string, paths: ReadonlyArray<string>): boolean => {
  const { pathname, search } = new URL(url)
  return paths.some((path) => `${pathname}${search}`.startsWith(path))
}

const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\b${name}\\s*=\\s*["']([^"']*)["']`, "i").exec(tag)
  return found?.[1]?.replaceAll("&amp;", "&")
}

const hrefs = (html: string, tags: RegExp, isWanted: (tag: string) => boolean = () => true): ReadonlyArray<string> =>
  [...html.matchAll(tags)].flatMap(([tag]) => (isWanted(tag) ? (attribute(tag, "href") ?? []) : []))

/** The links of a page, each once and in order, and the address that the page gives itself. */
export const readPage = (html: string, url: string) => {
  const links = hrefs(html, /<a\s[^>]*>/gi).flatMap((href) => normalised(href, url) ?? [])
  const [canonical = url] = hrefs(html, /<link\s[^>]*>/gi, (tag) => attribute(tag, "rel") === "canonical")
  return { links: [...new Set(links)], address: normalised(canonical, url) ?? url }
}
