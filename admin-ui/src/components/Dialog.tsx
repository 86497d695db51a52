import { Modal, type ModalProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** A dialog that a click beside it does not close, so that nothing typed is lost. */
export function Dialog(props: ModalProps) {
  const { t } = useTranslation();
  return <Modal closeOnClickOutside={false} closeButtonProps={{ 'aria-label': t('common.close') }} {...props} />;
}
