"""Videos and sound without what their files say of who made them, where and with what."""
