import { expect, test } from 'vitest';

import { check } from './check';
import { formOf, usual, writtenOf } from './document';

const office = {
  week: { 'mon-thu': ['09:00-12:30', '13:30-18:00'], fri: ['09:00-15:00'], sat: ['22:00-06:00'], sun: ['00:00-24:00'] },
  holidays: { '12-25': 'Christmas', '2026-12-28/2026-12-31': 'Company holidays' },
  exceptions: { '2026-12-24': ['09:00-12:00'], '2026-05-15': [] },
};

test('a document is the same after it was a form', () => {
  expect(writtenOf(formOf(office))).toEqual(office);
});

test('days over the end of the week are taken apart', () => {
  expect(writtenOf(formOf({ week: { 'sat-mon': ['10:00-12:00'] }, holidays: {}, exceptions: {} })).week)
    .toEqual({ mon: ['10:00-12:00'], 'sat-sun': ['10:00-12:00'] });
});

test('what the server would refuse is said at its field', () => {
  const form = usual();
  form.week[0] = [{ from: '09:00', to: '12:00' }, { from: '11:00', to: '13:00' }, { from: '10:00', to: '' }];
  form.holidays = [
    { id: 1, dates: { kind: 'yearly', from: '02-30', to: '' }, name: 'x' },
    { id: 2, dates: { kind: 'range', from: '2026-02-02', to: '2026-02-01' }, name: ' ' },
  ];
  expect(check(form)).toEqual({
    'week.0.1': 'schedules.overlap', 'week.0.2': 'schedules.needTime', 'holidays.0.dates': 'schedules.noDate',
    'holidays.1.dates': 'schedules.backwards', 'holidays.1.name': 'schedules.needName',
  });
  expect(check(formOf(office))).toEqual({});
});
