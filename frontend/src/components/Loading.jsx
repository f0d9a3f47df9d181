// While the first view of a visit loads; shown after a moment only, for most loads take less.

export const Loading = () => (
  <div className="wrap loading" role="status" aria-busy="true" aria-label="Loading">
    <div className="panel-box">
      <div className="pad stack g3">
        <span className="skeleton w-6" />
        <span className="skeleton" />
        <span className="skeleton w-3" />
      </div>
    </div>
  </div>
)
