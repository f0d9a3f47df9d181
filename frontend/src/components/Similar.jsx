// Open tickets like the one that is being typed, to join instead of reporting it again. Never in the way of typing.
import limits from 'virtual:limits'
import { useEffect, useState } from 'react'
import { answerOf, api } from '../api'
import { place, plural, STATUS, Time } from '../words'
import { Icon } from './Icon'
import { Link } from './Link'

const PAUSE = 300
const MOST = 3

/** @param {{title: string, building: string, category: string, except?: number}} of */
export function useSimilar({ title, building, category, except }) {
  const [found, setFound] = useState(/** @type {import('../api').Known[]} */ ([]))
  const words = title.trim().split(/\s+/).filter((word) => word.length > 1).length
  const enough = words >= 3 || (words > 0 && building !== '')
  useEffect(() => {
    if (!enough) return setFound([])
    const stop = new AbortController()
    const timer = setTimeout(async () => {
      const query = { title: title.trim().slice(0, limits.CreateTicket.title.maxLength), ...(building && { building }), ...(category && { category }) }
      // an aid: where it fails, the form goes on without it
      const answer = await answerOf(() => api.GET('/api/tickets/similar', { params: { query }, signal: stop.signal })).catch(() => null)
      if (answer?.data && !stop.signal.aborted) {
        setFound(answer.data.items.filter((/** @type {import('../api').Known} */ one) => one.id !== except).slice(0, MOST))
      }
    }, PAUSE)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [title, building, category, enough, except])
  return found
}

/**
 * @param {{found: import('../api').Known[], heading?: string, onJoin?: (id: number) => void, joining?: number}} props
 */
export function Similar({ found, heading, onJoin, joining }) {
  const people = found.reduce((sum, one) => sum + one.affected_count, 0)
  const title = heading ?? `${plural(people, 'person is', 'people are')} affected by something like this`
  return (
    <div className="whole">
      {/* said once: the times in the list change each minute */}
      <p className="vh" role="status">
        {found.length > 0 && title}
      </p>
      {found.length > 0 && (
        <section className="dup" aria-labelledby="dup-h">
          <header>
            <Icon name="users" />
            <div>
              <h2 id="dup-h">{title}</h2>
            </div>
          </header>
          <ul className="rows">
            {found.map((one) => (
              <li key={one.id}>
                <div>
                  <Link className="t" to={`/tickets/${one.id}`}>
                    {one.public_title}
                  </Link>
                  <div className="meta">
                    {place(one) && <span>{place(one)}</span>}
                    <span>{one.status === 'waiting' ? 'Waiting' : STATUS[one.status].word}</span>
                    <span>{plural(one.affected_count, 'person', 'people')} affected</span>
                    <span>
                      <Time at={one.created_at} />
                    </span>
                  </div>
                </div>
                <span className="end">
                  {one.affects_me ? (
                    <span className="badge ok">
                      <Icon name="check" />
                      You are following this
                    </span>
                  ) : (
                    onJoin && (
                      <button className="btn sm" type="button" aria-busy={joining === one.id} onClick={() => onJoin(one.id)}>
                        <Icon name="user-plus" />
                        Affects me too
                      </button>
                    )
                  )}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  )
}
