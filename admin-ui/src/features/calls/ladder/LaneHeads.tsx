import { useTranslation } from 'react-i18next';

import type { Lane } from './layout';

/** Who speaks: the lanes' addresses, which stay in view. */
export function LaneHeads({ lanes, x, width }: { lanes: Lane[]; x: number[]; width: number }) {
  const { t } = useTranslation();
  return (
    <svg className="sip-lanes" width={width} height={44} role="img" aria-label={t('sip.lanes', { lanes: lanes.map(({ address }) => address).join(', ') })}>
      {lanes.map(({ address, ours }, index) => (
        <g key={address} textAnchor="middle">
          <text x={x[index]} y={18} className={ours ? 'sip-ours' : undefined}>{ours ? 'Tandem' : t(index === 0 ? 'leg.caller' : 'leg.callee')}</text>
          <text x={x[index]} y={34} className="sip-dim">{address}</text>
        </g>
      ))}
    </svg>
  );
}
