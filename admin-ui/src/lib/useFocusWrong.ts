import { type RefObject, useEffect } from 'react';

/** Takes who saves to the first field that is wrong, whenever `wrong` becomes another; without such a field to the top. */
export function useFocusWrong(form: RefObject<HTMLElement | null>, wrong: unknown) {
  useEffect(() => {
    if (!wrong) return;
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (field) field.focus();
    else form.current?.scrollIntoView({ block: 'start' });
  }, [wrong]);
}
