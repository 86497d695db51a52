import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

const MINUTE = 60;
const DAY = 86_400;

/** Numbers, sizes, moments and durations as the language of the page writes them. */
export function useFormat() {
  const { i18n } = useTranslation();
  return useMemo(() => formats(i18n.language), [i18n.language]);
}

export function formats(language: string) {
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'long' });
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' });
  const unit = (value: number, name: string, unitDisplay: 'long' | 'short' = 'short') =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay, maximumFractionDigits: 1 }).format(value);
  return {
    number: (value: number) => number.format(value),
    percent: (share: number) => {
      // A small share is something else than none.
      const digits = share < 0.01 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 1 };
      return new Intl.NumberFormat(language, { style: 'percent', ...digits }).format(share);
    },
    /** Of an RFC 3339 text. */
    moment: (at: string) => moment.format(new Date(at)),
    exact: (at: string) => exact.format(new Date(at)),
    /** Of a text such as 2026-11-01, whatever zone the browser is in. */
    day: (text: string) => day.format(new Date(text)),
    /** In powers of 1,024. */
    bytes: (bytes: number) => {
      const [name, size] = bytes < 1024 ? ['byte', 1] as const : bytes < 1 << 20 ? ['kilobyte', 1024] as const
        : bytes < 1 << 30 ? ['megabyte', 1 << 20] as const : ['gigabyte', 1 << 30] as const;
      return unit(bytes / size, name);
    },
    /** In the largest unit that leaves it whole; below a minute with a tenth. */
    duration: (seconds: number) => {
      if (seconds >= DAY && seconds % DAY === 0) return unit(seconds / DAY, 'day', 'long');
      if (seconds >= 3600 && seconds % 3600 === 0) return unit(seconds / 3600, 'hour', 'long');
      if (seconds < MINUTE) return unit(seconds, 'second');
      return `${unit(Math.floor(seconds / MINUTE), 'minute')} ${unit(Math.round(seconds % MINUTE), 'second')}`;
    },
  };
}
