// A guest has reported something: the report waits for the link in the mail.
import { Navigate, useLocation } from 'react-router'
import { CheckMail } from '../components/CheckMail'
import { Link } from '../components/Link'
import { useRoot } from '../root'
import { plural } from '../words'

export function Component() {
  const { site } = useRoot()
  const email = useLocation().state?.email
  if (!email) return <Navigate to="/" replace />
  return (
    <div className="wrap narrow stack g6">
      <title>{`Check your mail · ${site.name}`}</title>
      <CheckMail>
        <ol className="facts">
          <li>
            We wrote to <b className="strong">{email}</b>.
          </li>
          <li>Open the link in that mail: it sends your report to the helpdesk. Until then nobody reads it, and after {plural(site.held_days, 'day')} it is deleted.</li>
          <li>The same link opens your report later, with our answers. You can add photos there.</li>
        </ol>
        <p className="soft">Nothing there after some minutes? Look into the spam folder. If the address was wrong, report it once more.</p>
        <div className="row">
          <Link className="btn" to="/report">
            Report something else
          </Link>
        </div>
        <div className="panel-box">
          <div className="pad stack g3">
            <h2>No mails back and forth</h2>
            <p className="soft">With an account you see all your reports in one place, and report the next one without a link. This one will be there, too, if you use the same address.</p>
            <div className="row">
              <Link className="btn" to="/register">
                Create an account
              </Link>
            </div>
          </div>
        </div>
      </CheckMail>
    </div>
  )
}
