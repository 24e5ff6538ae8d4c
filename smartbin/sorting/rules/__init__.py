"""What every figure is made from and how it is made. Pure: no store, no clock."""
