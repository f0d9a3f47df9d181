// Logging in, and back to where one wanted to go.
import { Navigate, useSearchParams } from 'react-router'
import { address } from '../api'
import { Icon } from '../components/Icon'
import { Link } from '../components/Link'
import { LoginForm } from '../components/LoginForm'
import { useRoot } from '../root'
import { become } from '../router'

/** A path of ours, whatever stands in the address. @param {string | null} given */
export const pathFrom = (given) => (given && /^\/(?![/\\])/.test(given) ? given : '/')

export function Component() {
  const { me, site } = useRoot()
  const [search] = useSearchParams()
  const next = search.get('next')
  if (me) return <Navigate to={pathFrom(next)} replace />
  return (
    <div className="wrap narrow stack g6">
      <title>{`Log in · ${site.name}`}</title>
      <div className="stack g1">
        <h1>Log in</h1>
        <p className="soft">Use your account at {site.name}.</p>
      </div>
      {search.get('done') === 'password' && (
        <div className="banner ok" role="status">
          <Icon name="check" />
          <div>Your password is set, and you are logged out everywhere. Log in with the new one.</div>
        </div>
      )}
      <div className="panel-box">
        <div className="pad">
          <LoginForm onDone={(me) => become(me, pathFrom(next))}>
            <p className="small soft">
              <Link className="hit" to="/forgot">
                Forgot your password?
              </Link>
            </p>
          </LoginForm>
        </div>
      </div>
      <p className="small soft">
        New here? <Link to="/register">Create an account</Link>. Helpdesk staff <a href={address('/staff/login')}>log in here</a>.
      </p>
    </div>
  )
}
