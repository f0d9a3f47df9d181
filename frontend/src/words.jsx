// How the portal says times, statuses and numbers. Every rule here is of language, none of the helpdesk.
import { useEffect, useState } from 'react'

let timeZone = 'UTC'
/** The reader's zone, else the campus's; UTC, where the browser does not know it. @param {string} zone */
export function sayTimesIn(zone) {
  timeZone = zone
  try {
    clock(new Date())
  } catch {
    timeZone = 'UTC'
  }
}

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => (/** @type {Date} */ date) => new Intl.DateTimeFormat('en-GB', { timeZone, ...options }).format(date)
const clock = format({ hour: '2-digit', minute: '2-digit' })
const dayOf = format({ year: 'numeric', month: '2-digit', day: '2-digit' })
const day = format({ day: 'numeric', month: 'short' })
const dayAndYear = format({ day: 'numeric', month: 'short', year: 'numeric' })
const year = format({ year: 'numeric' })
const weekday = format({ weekday: 'short' })

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `Tue 12 May 2026, 10:02` @param {string} iso */
export function full(iso) {
  const date = new Date(iso)
  return `${weekday(date)} ${dayAndYear(date)}, ${clock(date)}`
}

/** `13 min ago`, `yesterday`; from seven days on, the date. @param {string} iso */
export function ago(iso, now = Date.now()) {
  const date = new Date(iso)
  const span = now - date.getTime()
  if (span < MINUTE) return 'just now'
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min ago`
  if (span < DAY && dayOf(date) === dayOf(new Date(now))) return `${Math.floor(span / HOUR)} h ago`
  if (dayOf(date) === dayOf(new Date(now - DAY))) return 'yesterday'
  if (span < 7 * DAY) return `${Math.max(1, Math.floor(span / DAY))} days ago`.replace(/^1 days/, '1 day')
  return onDay(date, now)
}

/** @param {Date} date */
const onDay = (date, now = Date.now()) =>
  year(date) === year(new Date(now)) ? day(date) : dayAndYear(date)

/** `16:00 today`, `09:00 tomorrow`, `Thu, 14 May` @param {string} iso */
export function by(iso, now = Date.now()) {
  const date = new Date(iso)
  if (dayOf(date) === dayOf(new Date(now))) return `${clock(date)} today`
  if (dayOf(date) === dayOf(new Date(now + DAY))) return `${clock(date)} tomorrow`
  return `${weekday(date)}, ${onDay(date, now)}`
}

/** `today 08:12`, else `11 May, 08:12` @param {string} iso */
export function at(iso, now = Date.now()) {
  const date = new Date(iso)
  return dayOf(date) === dayOf(new Date(now)) ? `today ${clock(date)}` : `${onDay(date, now)}, ${clock(date)}`
}

/** `40 min`, `6 hours`, `3 days` @param {number} seconds */
export function length(seconds) {
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`
  if (seconds < 36 * 3600) return plural(Math.round(seconds / 3600), 'hour')
  return plural(Math.round(seconds / 86400), 'day')
}

/** `6 to 9 hours`, `1 to 3 days`, `2 days` @param {number} low seconds @param {number} high seconds */
export function between(low, high) {
  const [unit, one] = high < 3600 ? [60, 'min'] : high < 36 * 3600 ? [3600, 'hour'] : [86400, 'day']
  const [from, to] = [low, high].map((seconds) => Math.max(1, Math.round(seconds / unit)))
  return `${from < to ? `${from} to ` : ''}${one === 'min' ? `${to} min` : plural(to, one)}`
}

/** `1 person`, `1,204 people` @param {number} count @param {string} one */
export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`
}

/** The current time, told anew each minute so that `13 min ago` stays true. */
export function useNow() {
  const [now, set] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => document.hidden || set(Date.now()), MINUTE)
    return () => clearInterval(timer)
  }, [])
  return now
}

/** A moment in words, and exactly on hovering. @param {{at: string, say?: (iso: string, now?: number) => string}} props */
export function Time({ at, say = ago }) {
  const now = useNow()
  return (
    <time dateTime={at} title={full(at)}>
      {say(at, now)}
    </time>
  )
}

/** @type {Record<string, {word: string, icon: string}>} */
export const STATUS = {
  open: { word: 'Open', icon: 's-open' },
  in_progress: { word: 'In progress', icon: 's-progress' },
  waiting: { word: 'Waiting for you', icon: 's-waiting' },
  resolved: { word: 'Resolved', icon: 's-resolved' },
  closed: { word: 'Closed', icon: 's-closed' },
}

/** Initials and one of the six tints, as the staff pages have them. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/)
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? words[words.length - 1][0] : '')).toUpperCase() || '?'
}

/** `Maple Hall, 214` @param {{building?: {name: string} | null, room?: string | null}} of */
export const place = ({ building, room }) => [building?.name, room].filter(Boolean).join(', ')
