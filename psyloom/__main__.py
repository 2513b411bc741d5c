from psyloom.cli import main

main()
